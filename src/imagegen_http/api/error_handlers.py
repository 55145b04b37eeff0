"""Turns exceptions into the error envelope."""

import json
from collections.abc import Iterator
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from imagegen_core.errors import (
    BlobMissing,
    Refusal,
    StorageError,
    StorageFull,
    StorageUnreachable,
    ValidationFailed,
)
from imagegen_core.messages import upstream_text
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.asgi import request_context
from imagegen_http.asgi.head_requests import allowed
from imagegen_http.asgi.types import Receive, Scope, Send
from imagegen_http.problems.error_table import envelope
from imagegen_http.problems.messages import ServiceCode
from imagegen_http.problems.shapes import problems_of

RETRY_AFTER_SECONDS = {"queue_full": 5, "unavailable": 5, "insufficient_storage": 60}

_log = structlog.get_logger("imagegen.errors")


def refusal_handler(_: Request[Any, Any, Any], error: Refusal) -> Response[dict[str, Any]]:
    """Answer a request that the core turned down."""
    if isinstance(error, ValidationFailed):
        return error_response(error.slug, {"errors": error.problems})
    hint = {} if error.hint is None else {"hint": error.hint}
    return error_response(error.slug, {"detail": error.reason, **hint, **error.data})


def storage_handler(_: Request[Any, Any, Any], error: StorageError) -> Response[dict[str, Any]]:
    """Answer when a store cannot give or keep bytes now."""
    _log.error("storage failed", reason=str(error))
    if isinstance(error, StorageFull):
        return error_response("insufficient_storage", {})
    return error_response("unavailable" if isinstance(error, StorageUnreachable) else "internal", {})


def missing_blob_handler(_: Request[Any, Any, Any], error: BlobMissing) -> Response[dict[str, Any]]:
    """Answer when a record's bytes are nowhere: a loss that must be seen."""
    _log.error("an image's bytes are missing", key=error.key)
    return error_response("image_not_found", {})


def validation_handler(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[dict[str, Any]]:
    """Answer a query that is not of the declared shape; bodies are `JsonRequest`'s."""
    items = error.extra if isinstance(error.extra, list) else []
    problems = tuple(p for item in items for p in _parameter_problems(request, str(item.get("key"))))
    return _invalid(*problems or [Problem(field="request", reason=upstream_text(error.detail))])


def http_handler(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """Answer what the router found wrong."""
    if isinstance(error, MethodNotAllowedException):
        response = error_response("method_not_allowed", {})
        methods = (error.headers or {}).get("allow", "").split(", ")
        response.headers["allow"] = allowed(methods, request.url.path)
        return response
    if isinstance(error, NotFoundException):
        return error_response("not_found", {})
    if error.status_code == 413:  # noqa: PLR2004 - HTTP's own number
        return error_response("body_too_large", {})
    if isinstance(error, ClientException):
        return _invalid(Problem(field="request", reason=upstream_text(error.detail)))
    return internal_handler(request, error)


def no_api_handler(request: Request[Any, Any, Any], error: NotFoundException) -> Response[dict[str, Any]]:
    """Answer whoever takes a node that only runs tasks for another one."""
    return error_response("not_found", {"detail": ServiceCode.WORKER_ONLY()})


def recursion_handler(_: Request[Any, Any, Any], __: RecursionError) -> Response[dict[str, Any]]:
    """Answer JSON that is nested beyond all use."""
    return _invalid(Problem(field="body", reason=ProblemCode.TOO_DEEP()))


def internal_handler(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """Answer a defect of ours, which the log tells with the request id and the answer does not."""
    _log.error("internal error", exc_info=error)
    return error_response("internal", {})


def error_response(slug: str, data: dict[str, Any]) -> Response[dict[str, Any]]:
    """Return the envelope of a row of the table, in the caller's language."""
    status, body = envelope(
        slug, data, language=request_context.language.get(), request_id=request_context.request_id.get()
    )
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS[slug])} if slug in RETRY_AFTER_SECONDS else {}
    return JsonResponse(body, status_code=status, headers=headers)


async def refuse(
    scope: Scope, receive: Receive, send: Send, slug: str, data: dict[str, Any], headers: dict[str, str]
) -> None:
    """Send the envelope from outside the router; `InboundGuard` uses it."""
    status, body = envelope(
        slug, data, language=request_context.language.get(), request_id=request_context.request_id.get()
    )
    content = json.dumps(body, ensure_ascii=False).encode()
    response_headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        **({"retry-after": str(RETRY_AFTER_SECONDS[slug])} if slug in RETRY_AFTER_SECONDS else {}),
        **headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in response_headers.items()
            ],
        }
    )
    await send(
        {
            "type": "http.response.body",
            "body": b"" if scope["method"] == "HEAD" else content,
            "more_body": False,
        }
    )


HANDLERS: dict[Any, Any] = {
    Refusal: refusal_handler,
    StorageError: storage_handler,
    BlobMissing: missing_blob_handler,
    ValidationException: validation_handler,
    HTTPException: http_handler,
    RecursionError: recursion_handler,
    Exception: internal_handler,
}

NO_API: dict[Any, Any] = {**HANDLERS, NotFoundException: no_api_handler}
"""Of a node that answers for its health alone."""


def _invalid(*problems: Problem) -> Response[dict[str, Any]]:
    return error_response("validation_failed", {"errors": problems})


def _parameter_problems(request: Request[Any, Any, Any], name: str) -> Iterator[Problem]:
    """Yield what is wrong with a parameter of the query that its handler, or a dependency, did not get."""
    handler = request.route_handler
    models = (handler.signature_model, *(p.signature_model for p in handler.resolve_dependencies().values()))
    declared = next((m.__annotations__[name] for m in models if name in m.__annotations__), Any)
    if name not in request.query_params:
        yield Problem(field="body" if name == "data" else name, reason=ProblemCode.REQUIRED())
    else:
        yield from problems_of(request.query_params[name], declared, path=name, from_text=True)
