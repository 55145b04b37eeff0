"""What the providers' error answers mean. Tables; nothing here decides about retrying."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.retry_after import parse_http_date, parse_retry_after
from imagegen_adapters.providers.upstream_messages import shorten, with_model_warning
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.providers.capabilities import Model

STABILITY_COOLDOWN_SECONDS = 60.0
"""Stability's time-out after more than 150 requests in 10 seconds."""


@attrs.frozen(kw_only=True)
class UpstreamError:
    """What an error body says: a sentence, and the provider's own code where there is one."""

    message: str
    code: str | None = None


_BY_CLASS: Mapping[int, FailureCode] = MappingProxyType(
    {
        1: FailureCode.BAD_RESPONSE,
        2: FailureCode.BAD_RESPONSE,  # a success without what was asked for
        3: FailureCode.REJECTED,  # redirects are not followed: a body would be sent twice, or elsewhere
        4: FailureCode.REJECTED,
        5: FailureCode.OUTCOME_UNKNOWN,
    }
)


@attrs.frozen(kw_only=True)
class FailureTable:
    """How one provider's error answers are read: by its own code first, then by status.

    A status in neither table means what its hundred means. Of all, only 429 proves that nothing was
    started: a 503 may come from a proxy that lost the answer of a call that ran.
    """

    read: Callable[[Any, str], UpstreamError]
    by_status: Mapping[int, FailureCode]
    by_code: Mapping[str, FailureCode] = attrs.field(factory=dict)
    cooldown: float | None = None

    def error(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        secrets: tuple[str, ...],
        model: Model | None = None,
    ) -> CallError:
        """Return the error for an answer; none of ``secrets`` appears in its message.

        A refusal of a ``model`` that goes or is gone names its replacement.
        """
        complaint = _parse_error(self.read, status, body)
        code = self._code(status, complaint.code)
        limited = code is FailureCode.RATE_LIMITED
        message = shorten(complaint.message, secrets)
        if model is not None and code is FailureCode.REJECTED:
            message = with_model_warning(model, message)
        return CallError(
            code,
            message,
            not_started=limited,
            retry_after=(retry_after(headers) or self.cooldown) if limited else None,
            upstream_status=status,
            upstream_code=complaint.code,
        )

    def _code(self, status: int, code: str | None) -> FailureCode:
        return self.by_code.get(code or "") or self.by_status.get(status) or _BY_CLASS[min(status // 100, 5)]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``; a date in it is compared with the answer's own ``Date``."""
    return parse_retry_after(headers.get("retry-after"), parse_http_date(headers.get("date", "")))


def _parse_error(read: Callable[[Any, str], UpstreamError], status: int, body: bytes) -> UpstreamError:
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    complaint = read(parsed, text)
    return (
        complaint if complaint.message.strip() else attrs.evolve(complaint, message=f"HTTP status {status}")
    )


def _read_a1111(body: Any, text: str) -> UpstreamError:
    """``detail`` if it is text, else its first ``msg``, else ``errors``, else ``error``, else the body."""
    if not isinstance(body, dict):
        return UpstreamError(message=text)
    detail, error = body.get("detail"), body.get("error")
    code = error if isinstance(error, str) and error else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        loc = detail[0].get("loc")
        where = ".".join(str(part) for part in loc if part != "body") if isinstance(loc, list) else ""
        said = str(detail[0].get("msg", ""))
        return UpstreamError(message=f"{where}: {said}" if where else said, code=code)
    if detail == "Not Found":  # the framework's own word for an unknown path
        detail = "Not Found: the server has no such API, is it running with --api?"
    words = (detail, body.get("errors"), error)
    return UpstreamError(
        message=next((w for w in words if isinstance(w, str) and w.strip()), text), code=code
    )


def _read_stability(body: Any, text: str) -> UpstreamError:
    if not isinstance(body, dict):
        return UpstreamError(message=text)
    name = body.get("name")
    code = name if isinstance(name, str) and name else None
    errors = body.get("errors")
    said = "; ".join(str(e) for e in errors) if isinstance(errors, list) else ""
    message = body.get("message")
    return UpstreamError(
        message=said or (message if isinstance(message, str) else "") or code or text, code=code
    )


A1111 = FailureTable(
    read=_read_a1111,
    by_status=MappingProxyType(
        {
            401: FailureCode.AUTH_FAILED,
            403: FailureCode.AUTH_FAILED,
            407: FailureCode.AUTH_FAILED,
            408: FailureCode.OUTCOME_UNKNOWN,
            429: FailureCode.RATE_LIMITED,  # SD.Next's limiter turns away before the queue
        }
    ),
)

STABILITY = FailureTable(
    read=_read_stability,
    by_status=MappingProxyType(
        {
            401: FailureCode.AUTH_FAILED,
            402: FailureCode.QUOTA_EXHAUSTED,
            403: FailureCode.AUTH_FAILED,
            407: FailureCode.AUTH_FAILED,
            408: FailureCode.OUTCOME_UNKNOWN,
            429: FailureCode.RATE_LIMITED,
        }
    ),
    by_code=MappingProxyType(
        {
            "content_moderation": FailureCode.CONTENT_POLICY,
            "payment_required": FailureCode.QUOTA_EXHAUSTED,
            "unauthorized": FailureCode.AUTH_FAILED,
        }
    ),
    cooldown=STABILITY_COOLDOWN_SECONDS,
)
