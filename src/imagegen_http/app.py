"""The Litestar application: routes, errors, documentation."""

from collections.abc import Coroutine, Sequence
from types import ModuleType
from typing import Any, cast

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler, Message, Scope, Send

from imagegen_http.api import errors, images, marks, operations, providers, streams, tasks, upkeep
from imagegen_http.api.bodies import JsonRequest
from imagegen_http.api.parameters import with_clean_query
from imagegen_http.api.responses import JsonResponse
from imagegen_http.guard.asgi import App, allowed, serve_head
from imagegen_http.openai.responses import answer as answer_in_both_shapes
from imagegen_http.openai.routes import openai_router
from imagegen_http.pages import console, docs
from imagegen_http.pages.console import with_missing_page
from imagegen_http.pages.document import LITESTARS_PATH, is_public, openapi_config
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
    *(route for module in (images, marks, providers, upkeep) for route in _routes_of(module)),
)
"""Routes below ``/api`` and ``/health``, in the document's order within their groups."""


class _App(Litestar):
    """Litestar without its pydantic plugins (google-genai installs pydantic) and its own OpenAPI routes."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]

    def register(self, value: ControllerRouterHandler) -> None:  # type: ignore[override] # as Litestar itself
        if not (isinstance(value, Router) and value.path == LITESTARS_PATH):
            super().register(value)

    def __call__(self, scope: Any, receive: Any, send: Any) -> Coroutine[Any, Any, None]:
        """Serve one request; a ``before_send`` hook would run for each message."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            return serve_head(cast("App", super().__call__), scope, receive, send)
        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            send = _all_methods_in_options(send, scope)
        return super().__call__(scope, receive, send)


def build_app(service: Service) -> Litestar:
    """Return the application; a node that only runs tasks answers for its health alone."""
    settings = service.settings
    if settings.serves_api:
        openai = openai_router(service.imagegen.parts.clock, service.cluster)
        handlers: list[ControllerRouterHandler] = [*API, *_routes_of(docs), *console.HANDLERS, openai]
        answer = with_missing_page(answer_in_both_shapes)
    else:
        handlers = [route for route in API if all(map(is_public, route.paths))]
        answer = errors.answer_of_worker
    return _App(
        route_handlers=handlers,
        dependencies={"service": Provide(lambda: service, use_cache=True, sync_to_thread=False)},
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


def _all_methods_in_options(send: Send, scope: Scope) -> Send:
    """Complete ``Allow``: Litestar lists only the first handler of a path."""

    async def completed(message: Message) -> None:
        if message["type"] == "http.response.start":
            console = (r for r in scope["litestar_app"].routes if r.path_format == scope.get("path_template"))
            methods = {method for route in console for method in getattr(route, "methods", ())}
            if methods:
                MutableScopeHeaders.from_message(message)["allow"] = allowed(methods, scope["path"])
        await send(message)

    return completed
