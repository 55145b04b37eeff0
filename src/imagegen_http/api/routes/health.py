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
    """Report the state of the service; 503 when it is degraded or stopping."""
    report = await service.health(service)
    return Response(report, status_code=200 if report["status"] == "ok" else 503, headers=_NO_STORE)


@route("/health/live", http_method=_METHODS, tags=["health"])
async def live() -> Response[dict[str, str]]:
    """Report that the process responds."""
    return Response({"status": "ok"}, headers=_NO_STORE)


@route("/health/ready", http_method=_METHODS, tags=["health"])
async def ready(service: ServiceDependency) -> Response[dict[str, str]]:
    """Report whether new tasks are accepted; locked keys only affect tasks of providers that have one."""
    report = await service.health(service)
    checks = (report["checks"][name] for name in REQUIRED_CHECKS)
    is_ready = report["status"] != "stopping" and all(check == "ok" for check in checks)
    status = "ok" if is_ready else report["status"]
    return Response({"status": status}, status_code=200 if is_ready else 503, headers=_NO_STORE)


HANDLERS = [health, live, ready]
