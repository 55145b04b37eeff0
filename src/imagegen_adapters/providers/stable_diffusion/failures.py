"""What the providers' error responses mean. Tables; nothing here decides about retrying."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import (
    parse_http_date,
    parse_retry_after,
    shorten,
    with_model_warning,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stable_diffusion.messages import StableDiffusionCode
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, MessageCode, as_message
from imagegen_core.models import Model

STABILITY_COOLDOWN_SECONDS = 60.0
"""Stability's penalty for more than 150 requests in 10 seconds."""


@attrs.frozen(kw_only=True)
class UpstreamError:
    """The content of an error body: a message, and the provider's own code if there is one.

    ``is_about_the_path``: it says nothing about the call, so with a 404 the whole route is missing.
    """

    message: Message = attrs.field(converter=as_message)
    code: str | None = None
    is_about_the_path: bool = False


_NOT_FOUND = 404

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
    started: a 503 may come from a proxy that lost the response of a call that ran. ``no_route`` is what to
    say of a 404 that is not about the call: the server does not have its ``path``.
    """

    read: Callable[[Any, str], UpstreamError]
    by_status: Mapping[int, FailureCode]
    by_code: Mapping[str, FailureCode] = attrs.field(factory=dict)
    cooldown: float | None = None
    no_route: MessageCode | None = None

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
        if self.no_route is not None and status == _NOT_FOUND and upstream_error.is_about_the_path:
            return CallError(FailureCode.REJECTED, self.no_route(path=path), upstream_status=status)
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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``; a date is compared with the response's own ``Date``."""
    return parse_retry_after(headers.get("retry-after"), parse_http_date(headers.get("date", "")))


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


def _read_a1111(body: Any, text: str) -> UpstreamError:
    """Read ``detail`` if it is text, or its first ``msg``; else ``errors``, ``error``, or the body."""
    if not isinstance(body, dict):  # sd-server's 404 has no body at all, that of a proxy a page
        return UpstreamError(message=text, is_about_the_path=True)
    detail, error = body.get("detail"), body.get("error")
    code = error if isinstance(error, str) and error else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        location = detail[0].get("loc")
        field = (
            ".".join(str(part) for part in location if part != "body") if isinstance(location, list) else ""
        )
        message = str(detail[0].get("msg", ""))
        return UpstreamError(message=f"{field}: {message}" if field else message, code=code)
    if detail == "Not Found":  # FastAPI's message for an unknown path
        return UpstreamError(message=detail, code=code, is_about_the_path=True)
    texts = (detail, body.get("errors"), error)
    return UpstreamError(
        message=next((w for w in texts if isinstance(w, str) and w.strip()), text), code=code
    )


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


A1111 = FailureTable(
    read=_read_a1111,
    by_status=_BY_STATUS,  # with 429, SD.Next's limiter refuses before the queue
    no_route=StableDiffusionCode.NO_ROUTE,
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
