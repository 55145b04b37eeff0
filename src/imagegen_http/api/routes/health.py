"""Health: for people, for supervisors, for load balancers. Not wrapped in the envelope."""

from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod

from imagegen_http.answers.health import Health, Liveness
from imagegen_http.answers.responses import response
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.runtime.health_report import can_accept_tasks
from imagegen_http.runtime.running_server import CHALLENGE_HEADER, PROOF_HEADER

_NO_STORE = {"Cache-Control": "no-store"}
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route(
    "/health",
    http_method=_METHODS,
    tags=["health"],
    responses={503: response(Health, "degraded, or stopping")},
)
async def health(service: ServiceDependency) -> Response[Health]:
    """Report the state of the service; 503 when it is degraded or stopping.

    With the parts that it stands on: database, disk, queue, keys, and the archive where there is one.
    """
    report = await service.health(service)
    return JsonResponse(report, status_code=200 if report.status == "ok" else 503, headers=_NO_STORE)


@route("/health/live", http_method=_METHODS, tags=["health"])
async def live(service: ServiceDependency, request: Request[Any, Any, Any]) -> Response[Liveness]:
    """Report that the process responds.

    For supervisors that restart what hangs.
    """
    headers, challenge = dict(_NO_STORE), request.headers.get(CHALLENGE_HEADER)
    if challenge is not None and service.running_server is not None:
        headers[PROOF_HEADER] = service.running_server.proof(challenge)
    return JsonResponse(Liveness(status="ok"), headers=headers)


@route(
    "/health/ready",
    http_method=_METHODS,
    tags=["health"],
    responses={503: response(Liveness, "no new tasks are accepted")},
)
async def ready(service: ServiceDependency) -> Response[Liveness]:
    """Report whether new tasks are accepted; locked keys only affect tasks of providers that have one.

    For load balancers; 503 while the disk is full, the database is away, or the service stops.
    """
    report = await service.health(service)
    is_ready = report.status != "stopping" and can_accept_tasks(report.checks)
    status = "ok" if is_ready else report.status
    return JsonResponse(Liveness(status=status), status_code=200 if is_ready else 503, headers=_NO_STORE)


HANDLERS = [health, live, ready]
