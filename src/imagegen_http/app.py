"""The Litestar application: routes, errors, documentation."""

from collections.abc import Sequence
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import litestar.router
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from imagegen_http import console, document
from imagegen_http.api import (
    batches,
    dry_runs,
    errors,
    images,
    marks,
    operations,
    providers,
    streams,
    styles,
    tasks,
    upkeep,
    webhooks,
)
from imagegen_http.api.requests import RETRIES, JsonRequest, with_clean_query
from imagegen_http.api.responses import JsonResponse
from imagegen_http.api.retries import ClientRetries, Peers
from imagegen_http.console import with_missing_page
from imagegen_http.document import LITESTARS_PATH, is_public, openapi_config
from imagegen_http.guard.asgi import encoded, respond
from imagegen_http.openai.responses import answer as answer_in_both_shapes
from imagegen_http.openai.routes import openai_router
from imagegen_http.schemas import DescribedTypes
from imagegen_http.service import Service

MIB = 1024 * 1024


def _routes_of(module: ModuleType) -> list[HTTPRouteHandler]:
    """Return a module's handlers, in source order."""
    return [value for value in vars(module).values() if isinstance(value, HTTPRouteHandler)]


API: Sequence[HTTPRouteHandler] = (
    *operations.SUBMISSIONS,
    *(route for module in (tasks, streams) for route in _routes_of(module)),
    operations.estimate_task,
    operations.show_usage,
    *(
        route
        for module in (batches, images, marks, styles, providers, dry_runs, webhooks, upkeep)
        for route in _routes_of(module)
    ),
)
"""Routes below ``/api`` and ``/health``, in the document's order within their groups."""


class _Route(HTTPRoute):
    """A route without a handler of its own for OPTIONS, a quarter of the time to build the app."""

    def __init__(self, *, path: str, route_handlers: list[HTTPRouteHandler]) -> None:
        stand_in: Any = SimpleNamespace(http_methods={"OPTIONS"}, handler_name="")
        super().__init__(path=path, route_handlers=[*route_handlers, stand_in])
        self.route_handlers = route_handlers


litestar.router.HTTPRoute = _Route  # type: ignore[attr-defined] # no setting replaces it


class _App(Litestar):
    """Litestar without its pydantic plugins (google-genai installs pydantic) and its own OpenAPI routes."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    def register(self, value: ControllerRouterHandler) -> None:  # type: ignore[override] # as Litestar itself
        if not (isinstance(value, Router) and value.path == LITESTARS_PATH):
            super().register(value)


def build_app(service: Service) -> Litestar:
    """Return the application; a node that only runs tasks answers for its health alone."""
    settings = service.settings
    if settings.serves_api:
        handlers: list[ControllerRouterHandler] = [
            *API,
            *_routes_of(document),
            *console.HANDLERS,
            openai_router(),
        ]
        answer = with_missing_page(answer_in_both_shapes)
    else:
        handlers = [route for route in API if all(map(is_public, route.paths))]
        answer = errors.answer_of_worker
    app = _App(
        route_handlers=handlers,
        dependencies={"service": Provide(lambda: service, use_cache=True, sync_to_thread=False)},
        state=State({RETRIES: ClientRetries(service.imagegen.parts.clock.monotonic, Peers(service.cluster))}),
        exception_handlers={Exception: answer},
        middleware=[with_clean_query],
        response_class=JsonResponse,
        request_class=JsonRequest,
        logging_config=None,
        openapi_config=openapi_config(service.version, needs_token=settings.server.auth_token is not None),
        plugins=[DescribedTypes()],
        request_max_body_size=settings.server.max_upload_mb * MIB,
        debug=False,
    )
    _complete_methods(app.asgi_router.root_route_map_node)
    return app


def _complete_methods(node: Any) -> None:
    """Serve HEAD as GET, unless that has no end, and OPTIONS: Litestar names the first handler's methods.

    The server omits the body of a response to HEAD.
    """
    for child in node.children.values():
        _complete_methods(child)
    handlers, parameters = node.asgi_handlers, node.path_parameters
    if "GET" in handlers and "HEAD" not in handlers and not node.path_template.endswith("/events"):
        handlers["HEAD"] = handlers["GET"]._replace(asgi_app=partial(_as_get, handlers["GET"].asgi_app))
        parameters["HEAD"] = parameters["GET"]
    if handlers:
        allow = encoded({"allow": ", ".join(sorted({*handlers, "OPTIONS"}))})
        other = next(iter(handlers))
        handlers["OPTIONS"] = handlers[other]._replace(asgi_app=with_clean_query(partial(_options, allow)))
        parameters["OPTIONS"] = parameters[other]


async def _as_get(app: Any, scope: Any, receive: Receive, send: Send) -> None:
    await app({**scope, "method": "GET"}, receive, send)


async def _options(allow: list[tuple[bytes, bytes]], scope: Scope, receive: Receive, send: Any) -> None:
    await respond(send, 204, allow)
