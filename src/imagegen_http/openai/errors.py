"""What can go wrong, in OpenAI's own shape: ``{"error": {"message", "type", "param", "code"}}``."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import attrs
from litestar import Request

from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import Language
from imagegen_http.api import errors
from imagegen_http.api.responses import JsonResponse
from imagegen_http.api.tasks import TaskError
from imagegen_http.guard.asgi import InboundRequest, Receive, Scope, Send

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
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self, headers: Mapping[str, str]) -> JsonResponse[dict[str, Any]]:
        return JsonResponse(self.body, status_code=self.status, headers={**self.headers, **headers})


def _param(field: str | None) -> str | None:
    if not field or field == "body":
        return None
    name = re.split(r"[.\[]", field.removeprefix("params."))[0]
    return _NAMES.get(name, name)


Handler = Callable[[Request[Any, Any, Any], Any], JsonResponse[dict[str, Any]]]


def in_both_shapes(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """Return exception handlers whose responses below ``/v1`` have OpenAI's format."""

    def in_both(handler: Handler) -> Handler:
        return wraps(handler)(
            lambda request, error: _in_shape_of_path(request.scope, handler(request, error))
        )

    return {kind: in_both(handler) for kind, handler in handlers.items()}


async def refuse(
    scope: Scope, receive: Receive, send: Send, slug: str, data: dict[str, Any], headers: dict[str, str]
) -> None:
    """Send an error from outside the router, in the format of the path; the guard uses it."""
    response = _in_shape_of_path(scope, errors.error_response(slug, data))
    response.headers.update(headers)
    await response.send_to(send)


def problem_from_slug(slug: str) -> Problem:
    """Return a row of the error table, in the caller's language."""
    return _problem_of(errors.error_response(slug, {}))


def _in_shape_of_path(scope: Any, response: JsonResponse[dict[str, Any]]) -> JsonResponse[dict[str, Any]]:
    if not InboundRequest.from_scope(scope).is_under("/v1"):
        return response
    return _problem_of(response).response(response.headers)


def _problem_of(response: JsonResponse[dict[str, Any]]) -> Problem:
    return Problem.from_envelope(response.status_code or 500, response.content)
