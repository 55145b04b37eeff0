"""Health: for people, for supervisors, for load balancers. Not wrapped in the envelope."""

from typing import Any

from litestar import Response, route
from litestar.enums import HttpMethod

from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.runtime.health_report import REQUIRED_CHECKS

_NO_STORE = {"Cache-Control": "no-store"}
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route("/health", http_method=_METHODS, tags=["health"])
async def health(service: ServiceDependency) -> Response[dict[str, Any]]:
    """Tell what the service stands on; 503 when it is degraded or stopping."""
    report = await service.health(service)
    return Response(report, status_code=200 if report["status"] == "ok" else 503, headers=_NO_STORE)


@route("/health/live", http_method=_METHODS, tags=["health"])
async def live() -> Response[dict[str, str]]:
    """Tell that the process answers."""
    return Response({"status": "ok"}, headers=_NO_STORE)


@route("/health/ready", http_method=_METHODS, tags=["health"])
async def ready(service: ServiceDependency) -> Response[dict[str, str]]:
    """Tell whether new tasks are taken; locked keys stop none but those of the providers that have one."""
    report = await service.health(service)
    taken = report["status"] != "stopping" and all(report["checks"][name] == "ok" for name in REQUIRED_CHECKS)
    status = "ok" if taken else report["status"]
    return Response({"status": status}, status_code=200 if taken else 503, headers=_NO_STORE)


HANDLERS = [health, live, ready]
