"""The Litestar application: routes, errors, documentation."""

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from imagegen_http import errors
from imagegen_http.json_request import JsonRequest
from imagegen_http.openapi_document import openapi_config
from imagegen_http.routes import documentation, health, images, operations, providers, tasks
from imagegen_http.routes.dependencies import provide_service
from imagegen_http.service import Service

MIB = 1024 * 1024


def build_app(service: Service) -> Litestar:
    """Return the application over a service that runs already."""
    return Litestar(
        route_handlers=[
            *operations.HANDLERS,
            *tasks.HANDLERS,
            *images.HANDLERS,
            *providers.HANDLERS,
            *health.HANDLERS,
            *documentation.HANDLERS,
        ],
        dependencies={"service": Provide(provide_service)},
        exception_handlers=errors.HANDLERS,
        request_class=JsonRequest,
        state=State({"service": service}),
        logging_config=None,
        openapi_config=openapi_config(service.version),
        request_max_body_size=service.settings.server.max_upload_mb * MIB,
        debug=False,
    )
