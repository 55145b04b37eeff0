"""What can go wrong, in OpenAI's own shape: ``{"error": {"message", "type", "param", "code"}}``."""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import attrs
from litestar import Request, Response

from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import Language
from imagegen_http.api import errors
from imagegen_http.api.responses import JsonResponse
from imagegen_http.api.tasks import TaskError
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import InboundRequest, Receive, Scope, Send
from imagegen_http.problems.error_table import envelope

SERVER_ERROR = "server_error"
RETRY_LATER = {"retry-after": "5"}

NO_RETRY = {"x-should-retry": "false"}
"""The official clients repeat 429 and 5xx unless they are told not to."""

NO_RETRY_STATUS = 400
"""The one error status that none of the clients and gateways that were read sends again.

Only the official clients obey ``x-should-retry``. The SDKs repeat 408, 409, 429 and 5xx; new-api repeats
every 4xx but 400 and 408, one-api all but 400. ``docs/explanation/never-pay-twice.md`` lists who was read;
``tests/clients/`` tries it with each.
"""

UPSTREAM_ERROR = "upstream_error"
"""The type of an error that comes with `NO_RETRY_STATUS`, apart from a bad request."""

_INVALID = "invalid_request_error"
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_STATUS = {"model_not_available": 404, "provider_not_configured": 404, "provider_disabled": 404}
_CODES = {
    **dict.fromkeys(_STATUS, "model_not_found"),
    "unauthorized": "invalid_api_key",
    "body_too_large": "payload_too_large",
}
_NAMES = {"num": "n", "reference_images": "image", "images": "image"}
_SLOW_RETRY = {"retry-after": "60"}

_FAILURES: Mapping[FailureCode, tuple[int, str, str]] = {
    FailureCode.PROVIDER_NOT_CONFIGURED: (404, _INVALID, "model_not_found"),
    FailureCode.PROVIDER_DISABLED: (404, _INVALID, "model_not_found"),
    FailureCode.REJECTED: (400, _INVALID, "rejected"),
    FailureCode.CONTENT_POLICY: (400, "image_generation_user_error", "content_policy_violation"),
    FailureCode.AUTH_FAILED: (502, SERVER_ERROR, "upstream_auth_failed"),
    FailureCode.QUOTA_EXHAUSTED: (429, "insufficient_quota", "insufficient_quota"),
    FailureCode.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded"),
    FailureCode.UNAVAILABLE: (503, SERVER_ERROR, "upstream_unavailable"),
    FailureCode.TIMEOUT: (504, SERVER_ERROR, "timeout"),
    FailureCode.OUTCOME_UNKNOWN: (502, SERVER_ERROR, "outcome_unknown"),
    FailureCode.BAD_RESPONSE: (502, SERVER_ERROR, "bad_response"),
    FailureCode.DOWNLOAD_FAILED: (502, SERVER_ERROR, "download_failed"),
    FailureCode.INVALID_IMAGE: (502, SERVER_ERROR, "invalid_image"),
    FailureCode.STORAGE_FAILED: (500, SERVER_ERROR, "storage_failed"),
    FailureCode.CANCELLED: (500, SERVER_ERROR, "cancelled"),
    FailureCode.RESULT_EXPIRED: (502, SERVER_ERROR, "result_expired"),
    FailureCode.INTERNAL: (500, SERVER_ERROR, "internal"),
}


@attrs.frozen(kw_only=True)
class Problem:
    """One error; ``headers`` have lower-case names."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def from_envelope(cls, status: int, envelope: Mapping[str, Any]) -> "Problem":
        """Return the error that the rest of the API would answer with this envelope."""
        data = envelope["data"]
        slug = str(data["error"])
        status = _STATUS.get(slug, status)
        errors = data.get("errors") or [{"field": data.get("field"), "message": data.get("detail")}]
        field, detail = errors[0].get("field"), errors[0].get("message")
        param = _param(field) or ("model" if slug in _STATUS else None)
        details = ": ".join(str(part) for part in (param if "errors" in data else None, detail) if part)
        return cls(
            status=status,
            type=_TYPES.get(status, _INVALID if status < 500 else SERVER_ERROR),  # noqa: PLR2004 - HTTP's
            code=_CODES.get(slug, slug),
            message=f"{envelope['message']} ({details})" if details else str(envelope["message"]),
            param=param,
        )

    @classmethod
    def from_failure(cls, failure: Failure, language: Language) -> "Problem":
        """Return how a task ended that did not end well.

        What may have been charged is never repeated, nor what a person cancelled.
        """
        status, kind, code = _FAILURES[failure.code]
        headers: dict[str, str] = {}
        if failure.code is FailureCode.QUOTA_EXHAUSTED:
            headers |= {**_SLOW_RETRY, **NO_RETRY}
        elif status in (429, 503):
            headers |= RETRY_LATER
        if failure.possible_charge or failure.code is FailureCode.CANCELLED:
            status, kind, headers = NO_RETRY_STATUS, UPSTREAM_ERROR, dict(NO_RETRY)
        elif not failure.retryable and status not in (400, 404):
            headers |= NO_RETRY
        message = TaskError.from_failure(failure, language).message
        return cls(status=status, type=kind, code=code, message=message, headers=headers)

    @property
    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


def _param(field: str | None) -> str | None:
    """Return the name that a client of OpenAI's knows for one of our fields."""
    if not field or field == "body":
        return None
    name = re.split(r"[.\[]", field.removeprefix("params."))[0]
    return _NAMES.get(name, name)


Handler = Callable[[Request[Any, Any, Any], Any], Response[dict[str, Any]]]


def in_both_shapes(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """Return exception handlers whose responses below ``/v1`` have OpenAI's format."""
    return {kind: _in_both_shapes(handler) for kind, handler in handlers.items()}


def _in_both_shapes(handler: Handler) -> Handler:
    @wraps(handler)
    def handle(request: Request[Any, Any, Any], error: Any) -> Response[dict[str, Any]]:
        response = handler(request, error)
        if not is_openai_path(request.scope):
            return response
        problem = Problem.from_envelope(response.status_code or 500, response.content)
        return JsonResponse(problem.body, status_code=problem.status, headers=dict(response.headers))

    return handle


async def refuse(
    scope: Scope, receive: Receive, send: Send, slug: str, data: dict[str, Any], headers: dict[str, str]
) -> None:
    """Send an error from outside the router, in the format of the path; the guard uses it."""
    if not is_openai_path(scope):
        await errors.refuse(scope, receive, send, slug, data, headers)
        return
    problem = problem_from_slug(slug, data)
    if slug in errors.RETRY_AFTER_SECONDS:
        headers = {"retry-after": str(errors.RETRY_AFTER_SECONDS[slug]), **headers}
    await send_problem(problem, scope, send, headers)


def problem_from_slug(slug: str, data: dict[str, Any] | None = None) -> Problem:
    """Return a row of the error table, in the caller's language."""
    status, body = envelope(slug, data or {}, language=asgi.language.get(), request_id=asgi.request_id.get())
    return Problem.from_envelope(status, body)


async def send_problem(problem: Problem, scope: Scope, send: Send, headers: Mapping[str, str]) -> None:
    """Send an error as a complete response."""
    content = json.dumps(problem.body, ensure_ascii=False).encode()
    response_headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        **problem.headers,
        **headers,
    }
    head = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response_headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": head})
    body = b"" if scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body, "more_body": False})


def is_openai_path(scope: Any) -> bool:
    """Return whether a request is for the OpenAI-compatible part of the API."""
    return InboundRequest.from_scope(scope).is_under("/v1")
