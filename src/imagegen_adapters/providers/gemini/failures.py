"""What Google's error responses mean for charges and retries.

The codes are those of https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.Code.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import (
    parse_retry_after,
    parse_seconds,
    shorten,
    with_model_warning,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.models import Model

_NO_QUOTA = re.compile(r"\blimit:\s*0\b")
_POLICY_WORDS = re.compile(r"responsible ai|sensitive words|safety filter|usage guidelines", re.IGNORECASE)

_BY_STATUS: Mapping[int, FailureCode] = MappingProxyType(
    {
        401: FailureCode.AUTH_FAILED,
        402: FailureCode.QUOTA_EXHAUSTED,
        403: FailureCode.AUTH_FAILED,
        408: FailureCode.TIMEOUT,
        429: FailureCode.RATE_LIMITED,
        499: FailureCode.OUTCOME_UNKNOWN,
        504: FailureCode.TIMEOUT,
    }
)
_BY_CLASS: Mapping[int, FailureCode] = MappingProxyType(
    {
        2: FailureCode.BAD_RESPONSE,
        3: FailureCode.REJECTED,
        4: FailureCode.REJECTED,
        5: FailureCode.OUTCOME_UNKNOWN,
    }
)
_BY_REASON: Mapping[str, FailureCode] = MappingProxyType(
    {
        "API_KEY_INVALID": FailureCode.AUTH_FAILED,
        "API_KEY_SERVICE_BLOCKED": FailureCode.AUTH_FAILED,
        "BILLING_DISABLED": FailureCode.QUOTA_EXHAUSTED,
    }
)


@attrs.frozen(kw_only=True)
class ErrorResponse:
    """A response that is not a 200: its status, the ``error`` object of its body, and ``Retry-After``."""

    status: int
    error: Mapping[str, Any] = attrs.field(factory=dict)
    retry_after: str | None = None

    @property
    def name(self) -> str | None:
        """Google's name of the error, such as ``RESOURCE_EXHAUSTED``."""
        name = self.error.get("status")
        return name if isinstance(name, str) else None

    @property
    def message(self) -> str:
        """Google's sentence; nothing where there is none."""
        text = self.error.get("message")
        return text if isinstance(text, str) and text.strip() else ""

    def details(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the details of a type, such as ``RetryInfo``."""
        details = self.error.get("details")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and str(detail.get("@type", "")).endswith(f".{kind}"):
                yield detail

    @property
    def reason(self) -> str | None:
        """The reason of an ``ErrorInfo``, such as ``API_KEY_INVALID``."""
        return next((str(d["reason"]) for d in self.details("ErrorInfo") if d.get("reason")), None)


def call_error(
    response: ErrorResponse, *, model: Model | None, secret: str | None = None, now: float
) -> CallError:
    """Return the error for a response. ``secret`` is removed from its text; ``now`` is in epoch seconds.

    A refusal of a model that is being retired names its replacement; ``model`` is None for a free call.
    """
    code = _code(response)
    reason = ResponseCode.RESPONSE_STATUS(status=response.status)
    if response.message:
        reason = upstream_text(shorten(response.message, (secret,)))
    reason = with_model_warning(model, code, reason)
    if httpx.codes.is_redirect(response.status):
        reason = GeminiCode.GEMINI_REDIRECT()
    return CallError(
        code,
        reason,
        not_started=code in (FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE),
        retry_after=retry_delay(response, now=now),
        upstream_status=response.status,
        upstream_code=response.reason or response.name,
    )


def _code(response: ErrorResponse) -> FailureCode:
    if response.status == httpx.codes.TOO_MANY_REQUESTS and _has_no_quota(response):
        return FailureCode.QUOTA_EXHAUSTED
    if response.status == httpx.codes.SERVICE_UNAVAILABLE and response.name == "UNAVAILABLE":
        return FailureCode.UNAVAILABLE  # "The service is temporarily running out of capacity": not admitted
    if response.status in (400, 403) and (by_reason := _BY_REASON.get(response.reason or "")):
        return by_reason
    if response.status == httpx.codes.BAD_REQUEST:
        if _POLICY_WORDS.search(response.message):
            return FailureCode.CONTENT_POLICY
        if response.name == "FAILED_PRECONDITION" and "billing" in response.message.lower():
            return FailureCode.QUOTA_EXHAUSTED
    return _BY_STATUS.get(response.status) or _BY_CLASS.get(
        response.status // 100, FailureCode.OUTCOME_UNKNOWN
    )


def _has_no_quota(response: ErrorResponse) -> bool:
    """Distinguish a quota that is used up for the day, or is zero, from one that refills within a minute."""
    if _NO_QUOTA.search(response.message):
        return True
    for failure in response.details("QuotaFailure"):
        violations = failure.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, Mapping) and (
                "perday" in str(violation.get("quotaId", "")).lower()
                or str(violation.get("quotaValue")) == "0"
            ):
                return True
    return False


def retry_delay(response: ErrorResponse, *, now: float) -> float | None:
    """Return the seconds that Google asks us to wait: the longer of RetryInfo and ``Retry-After``."""
    waits = [parse_retry_after(response.retry_after, datetime.fromtimestamp(now, UTC))]
    for info in response.details("RetryInfo"):
        delay = str(info.get("retryDelay", ""))
        waits.append(parse_seconds(delay[:-1]) if delay.endswith("s") else None)
    return max((seconds for seconds in waits if seconds is not None), default=None)
