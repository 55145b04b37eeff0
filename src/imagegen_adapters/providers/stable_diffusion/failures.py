"""What the providers' error responses mean. Tables; nothing here decides about retrying."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.a1111.results import retry_after
from imagegen_adapters.providers.common.calls import shorten, with_model_warning
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, as_message
from imagegen_core.models import Model

STABILITY_COOLDOWN_SECONDS = 60.0
"""Stability's penalty for more than 150 requests in 10 seconds."""


@attrs.frozen(kw_only=True)
class UpstreamError:
    """The content of an error body: a message, and the provider's own code if there is one."""

    message: Message = attrs.field(converter=as_message)
    code: str | None = None


_BY_STATUS: Mapping[int, FailureCode] = MappingProxyType(
    {
        401: FailureCode.AUTH_FAILED,
        403: FailureCode.AUTH_FAILED,
        407: FailureCode.AUTH_FAILED,
        408: FailureCode.OUTCOME_UNKNOWN,
        429: FailureCode.RATE_LIMITED,
    }
)

_BY_CLASS: Mapping[int, FailureCode] = MappingProxyType(
    {
        1: FailureCode.BAD_RESPONSE,
        2: FailureCode.BAD_RESPONSE,  # a success status without the requested result
        3: FailureCode.REJECTED,  # redirects are not followed: the body would be sent twice, or elsewhere
        4: FailureCode.REJECTED,
        5: FailureCode.OUTCOME_UNKNOWN,
    }
)


@attrs.frozen(kw_only=True)
class FailureTable:
    """How one provider's error responses are read: by its own code first, then by status.

    A status in neither table means what its class means (4xx, 5xx). Only 429 proves that nothing was
    started: a 503 may come from a proxy that lost the response of a call that ran.
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
        path: str,
        secrets: tuple[str, ...],
        model: Model | None = None,
    ) -> CallError:
        """Return the error for a response to a request of ``path``; it contains none of ``secrets``.

        A refusal of a ``model`` that is being retired names its replacement.
        """
        upstream_error = _parse_error(self.read, status, body)

        code = self._code(status, upstream_error.code)
        is_rate_limited = code is FailureCode.RATE_LIMITED
        reason = upstream_error.message.map_text(lambda text: shorten(text, secrets))
        return CallError(
            code,
            with_model_warning(model, code, reason),
            not_started=is_rate_limited,
            retry_after=(retry_after(headers) or self.cooldown) if is_rate_limited else None,
            upstream_status=status,
            upstream_code=upstream_error.code,
        )

    def _code(self, status: int, code: str | None) -> FailureCode:
        return self.by_code.get(code or "") or self.by_status.get(status) or _BY_CLASS[min(status // 100, 5)]


def _parse_error(read: Callable[[Any, str], UpstreamError], status: int, body: bytes) -> UpstreamError:
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    upstream_error = read(parsed, text)
    if str(upstream_error.message).strip():
        return upstream_error
    return attrs.evolve(upstream_error, message=ResponseCode.RESPONSE_STATUS(status=status))


def _read_stability(body: Any, text: str) -> UpstreamError:
    if not isinstance(body, dict):
        return UpstreamError(message=text)
    name = body.get("name")
    code = name if isinstance(name, str) and name else None
    errors = body.get("errors")
    details = "; ".join(str(e) for e in errors) if isinstance(errors, list) else ""
    message = body.get("message")
    return UpstreamError(
        message=details or (message if isinstance(message, str) else "") or code or text, code=code
    )


STABILITY = FailureTable(
    read=_read_stability,
    by_status=MappingProxyType({**_BY_STATUS, 402: FailureCode.QUOTA_EXHAUSTED}),
    by_code=MappingProxyType(
        {
            "content_moderation": FailureCode.CONTENT_POLICY,
            "payment_required": FailureCode.QUOTA_EXHAUSTED,
            "unauthorized": FailureCode.AUTH_FAILED,
        }
    ),
    cooldown=STABILITY_COOLDOWN_SECONDS,
)
