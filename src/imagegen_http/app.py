"""The Litestar application: routes, errors, documentation."""

from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import Message, Scope

from imagegen_http.api import error_handlers
from imagegen_http.api.empty_parameters import without_empty_parameters
from imagegen_http.api.openapi_schemas import DescribedTypes
from imagegen_http.api.routes import health, images, operations, providers, storage, tasks
from imagegen_http.api.routes.dependencies import provide_service, provide_submit_task
from imagegen_http.api.wire import JsonRequest
from imagegen_http.console import routes
from imagegen_http.documentation import routes as documentation
from imagegen_http.documentation.document import openapi_config
from imagegen_http.openai import openai_router
from imagegen_http.openai.errors import in_both_shapes
from imagegen_http.runtime.service import Service

MIB = 1024 * 1024


class _App(Litestar):
    """Litestar without its plugins for pydantic, which google-genai installs and no body or answer uses."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def build_app(service: Service) -> Litestar:
    """Return the application for a running service."""
    return _App(
        route_handlers=[
            *operations.HANDLERS,
            *tasks.HANDLERS,
            *images.HANDLERS,
            *providers.HANDLERS,
            *storage.HANDLERS,
            *health.HANDLERS,
            *documentation.HANDLERS,
            *routes.HANDLERS,
            openai_router(service.imagegen.adapters.clock),
        ],
        dependencies={"service": Provide(provide_service), "submit_task": Provide(provide_submit_task)},
        exception_handlers=in_both_shapes(error_handlers.HANDLERS),
        middleware=[without_empty_parameters],
        request_class=JsonRequest,
        state=State({"service": service}),
        logging_config=None,
        openapi_config=openapi_config(service.version),
        plugins=[DescribedTypes()],
        before_send=[_all_methods_in_options],
        request_max_body_size=service.settings.server.max_upload_mb * MIB,
        debug=False,
    )


async def _all_methods_in_options(message: Message, scope: Scope) -> None:
    """Complete ``Allow``: Litestar's own OPTIONS response lists only the first handler of a path."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    if scope["method"] == "OPTIONS":
        routes = (r for r in scope["litestar_app"].routes if r.path_format == scope.get("path_template"))
        methods = {method for route in routes for method in getattr(route, "methods", ())}
        if methods:
            MutableScopeHeaders.from_message(message)["allow"] = ", ".join(sorted(methods))
