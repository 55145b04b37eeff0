"""What Google answers: images, metadata, counted tokens, and the meaning of its refusals.

Images stay on disk: the SDK's strict models would lose a paid image over one changed field.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.providers.common.calls import (
    ResponseCode,
    as_list,
    as_object,
    failure_of_status,
    parse_retry_after,
    parse_seconds,
    shorten,
    with_model_warning,
)
from imagegen_adapters.providers.common.json_files import Answer, SpooledString, decode_chunks
from imagegen_adapters.providers.gemini.requests import GeminiCode
from imagegen_core.costs import MAX_TOKENS, ReportedUsage
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.facts import TokenKind
from imagegen_core.messages import FailureReason, Message, as_message, upstream_text
from imagegen_core.models import Model
from imagegen_core.ports.provider import GeneratedImage, ProviderResult

REFUSALS = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "JAILBREAK"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"),
    }
)
"""Finish reasons that refuse an image; any ``blockReason`` refuses the prompt."""

_MAX_TEXT_CHARS = 2000


def read_content(response: Any, open_file: Callable[[], BinaryIO]) -> ProviderResult:
    """Ignore drafts in thoughts; without images it raises ``content_policy`` or ``bad_response``."""
    document = as_object(response)
    images: list[GeneratedImage] = []
    failures: list[CallError] = []
    warnings: list[Message] = []
    for candidate in map(as_object, as_list(document.get("candidates"))):
        candidate_images = list(_content_images(candidate, document, open_file))
        images += candidate_images
        if not candidate_images:
            failures.append(_no_image(candidate))
        elif candidate.get("finishReason") == "MAX_TOKENS":
            warnings.append(GeminiCode.TOKEN_LIMIT())
    if not images:
        feedback = as_object(document.get("promptFeedback"))
        if block_reason := str(feedback.get("blockReason") or ""):
            message = _text(feedback.get("blockReasonMessage"))
            raise _refusal(message or GeminiCode.PROMPT_BLOCKED(reason=block_reason), block_reason)
        message = _text(as_object(document.get("error")).get("message"))
        raise failures[0] if failures else _bad(message or GeminiCode.NO_CANDIDATES())
    return ProviderResult(
        images=tuple(images), failures=tuple(failures), usage=read_usage(document), warnings=tuple(warnings)
    )


def _content_images(
    candidate: Mapping[str, Any], document: Mapping[str, Any], open_file: Callable[[], BinaryIO]
) -> Iterator[GeneratedImage]:
    text = _visible_text(candidate)
    for part in _parts(candidate):
        inline_data = as_object(part.get("inlineData", part.get("inline_data")))
        mime_type = str(inline_data.get("mimeType", inline_data.get("mime_type", "image/png")))
        if part.get("thought") is True or not mime_type.startswith("image/"):
            continue
        metadata = {
            "model_version": document.get("modelVersion"),
            "response_id": document.get("responseId"),
            "usage": document.get("usageMetadata"),
            "mime_type": mime_type,
            "finish_reason": candidate.get("finishReason"),
            "safety_ratings": candidate.get("safetyRatings"),
            "text": text,
        }
        yield from _image(inline_data.get("data"), metadata, open_file)


def _no_image(candidate: Mapping[str, Any]) -> CallError:
    reason = str(candidate.get("finishReason") or "")
    message, text = _text(candidate.get("finishMessage")), _visible_text(candidate)
    if reason in REFUSALS:
        return _refusal(message or text or GeminiCode.IMAGE_BLOCKED(reason=reason), reason)
    if text:
        return _bad(GeminiCode.ANSWERED_IN_WORDS(text=text), reason)
    return _bad(message or GeminiCode.NO_IMAGE_REASON(reason=reason or GeminiCode.NO_REASON_GIVEN()), reason)


def read_predictions(response: Any, open_file: Callable[[], BinaryIO]) -> ProviderResult:
    """Turn filtered images into failures; without images it raises ``content_policy`` or ``bad_response``."""
    images: list[GeneratedImage] = []
    failures: list[CallError] = []
    for prediction in map(as_object, as_list(as_object(response).get("predictions"))):
        reason = _text(prediction.get("raiFilteredReason"))
        metadata = {
            "mime_type": prediction.get("mimeType"),
            "revised_prompt": _text(prediction.get("prompt")),
            "safety_attributes": prediction.get("safetyAttributes"),
            "rai_filtered_reason": reason,
            "labels": prediction.get("labels"),
        }
        image = list(_image(prediction.get("bytesBase64Encoded"), metadata, open_file))
        images += image
        if reason and not image:
            failures.append(_refusal(reason, "RAI_FILTERED"))
    if not images:
        raise failures[0] if failures else _bad(FailureReason.NO_IMAGE_IN_RESPONSE())
    return ProviderResult(images=tuple(images), failures=tuple(failures))


def _image(
    data: Any, metadata: Mapping[str, Any], open_file: Callable[[], BinaryIO]
) -> Iterator[GeneratedImage]:
    """Yield the image of a base64 string, in memory or in the spooled file; nothing without one."""
    if isinstance(data, str | SpooledString) and data:
        plain = {name: _plain(value) for name, value in metadata.items() if value not in (None, "", [], {})}
        yield GeneratedImage(chunks=partial(decode_chunks, open_file, data), metadata=plain)


def read_usage(response: Mapping[str, Any]) -> ReportedUsage | None:
    """Return the tokens of a ``generateContent`` by the lines of Google's price list, or None.

    Text and image input share a price (https://ai.google.dev/gemini-api/docs/pricing); thoughts cost as text
    output. Output counts as images unless it is declared text.
    """
    usage = as_object(response.get("usageMetadata"))
    output = _count(usage.get("candidatesTokenCount"))
    details = map(as_object, as_list(usage.get("candidatesTokensDetails"))[:10])
    text = sum(_count(part.get("tokenCount")) for part in details if part.get("modality") == "TEXT")
    tokens = {
        TokenKind.TEXT_INPUT: _count(usage.get("promptTokenCount")),
        TokenKind.TEXT_OUTPUT: _count(usage.get("thoughtsTokenCount")) + min(text, output),
        TokenKind.IMAGE_OUTPUT: max(0, output - text),
    }
    return ReportedUsage.from_values(tokens=tokens) if output else None


def _parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [as_object(part) for part in as_list(as_object(candidate.get("content")).get("parts"))]


def _visible_text(candidate: Mapping[str, Any]) -> str:
    texts = (_text(part.get("text")) for part in _parts(candidate) if part.get("thought") is not True)
    return " ".join(filter(None, texts))[:_MAX_TEXT_CHARS]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _count(value: Any) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_count else 0


def _plain(value: Any) -> Any:
    """Return JSON without the strings that were left on disk."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, SpooledString) else value


def _bad(message: Message | str, reason: str = "", code: FailureCode = FailureCode.BAD_RESPONSE) -> CallError:
    reason_text = as_message(message).map_text(shorten)
    return CallError(code, reason_text, upstream_status=200, upstream_code=reason or None)


def _refusal(message: Message | str, reason: str) -> CallError:
    return _bad(message, reason, FailureCode.CONTENT_POLICY)


# ---------------------------------------------------------------- responses that are not a 200

_NO_QUOTA = re.compile(r"\blimit:\s*0\b")
_POLICY_WORDS = re.compile(r"responsible ai|sensitive words|safety filter|usage guidelines", re.IGNORECASE)

# The codes are those of https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.Code.
_BY_STATUS: Mapping[int, FailureCode] = {
    402: FailureCode.QUOTA_EXHAUSTED,
    407: FailureCode.REJECTED,
    408: FailureCode.TIMEOUT,
    499: FailureCode.OUTCOME_UNKNOWN,
    504: FailureCode.TIMEOUT,
}
_BY_REASON: Mapping[str | None, FailureCode] = {
    "API_KEY_INVALID": FailureCode.AUTH_FAILED,
    "API_KEY_SERVICE_BLOCKED": FailureCode.AUTH_FAILED,
    "BILLING_DISABLED": FailureCode.QUOTA_EXHAUSTED,
}


@attrs.frozen(kw_only=True)
class ErrorResponse(Answer):
    """A response other than 200."""

    @property
    def problem(self) -> Mapping[str, Any]:
        """The ``error`` of its body, which may be in a list."""
        body = self.tree[0] if isinstance(self.tree, list) and len(self.tree) == 1 else self.tree
        problem = as_object(body).get("error")
        text = self.body[:2000].decode("utf-8", "replace")
        return problem if isinstance(problem, dict) else {"message": text}

    @property
    def name(self) -> str | None:
        """Google's name of the error, such as ``RESOURCE_EXHAUSTED``."""
        name = self.problem.get("status")
        return name if isinstance(name, str) else None

    @property
    def message(self) -> str:
        return _text(self.problem.get("message"))

    def details(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the details of a type, such as ``RetryInfo``."""
        for detail in map(as_object, as_list(self.problem.get("details"))):
            if str(detail.get("@type", "")).endswith(f".{kind}"):
                yield detail

    @property
    def reason(self) -> str | None:
        """The reason of an ``ErrorInfo``, such as ``API_KEY_INVALID``."""
        return next((str(d["reason"]) for d in self.details("ErrorInfo") if d.get("reason")), None)


def call_error(response: ErrorResponse, *, model: Model | None, now: datetime) -> CallError:
    """Return the error; ``model`` is None for a free call."""
    code = _code(response)
    reason = ResponseCode.RESPONSE_STATUS(status=response.status)
    if response.message:
        reason = upstream_text(shorten(response.message, response.secrets))
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
    if response.status in (400, 403) and (by_reason := _BY_REASON.get(response.reason)):
        return by_reason
    if response.status == httpx.codes.BAD_REQUEST:
        if _POLICY_WORDS.search(response.message):
            return FailureCode.CONTENT_POLICY
        if response.name == "FAILED_PRECONDITION" and "billing" in response.message.lower():
            return FailureCode.QUOTA_EXHAUSTED
    return _BY_STATUS.get(response.status) or failure_of_status(response.status)


def _has_no_quota(response: ErrorResponse) -> bool:
    """Whether the quota is zero or used up for the day; others refill within a minute."""
    violations = (
        as_object(violation)
        for failure in response.details("QuotaFailure")
        for violation in as_list(failure.get("violations"))
    )
    return bool(_NO_QUOTA.search(response.message)) or any(
        "perday" in str(violation.get("quotaId", "")).lower() or str(violation.get("quotaValue")) == "0"
        for violation in violations
    )


def retry_delay(response: ErrorResponse, *, now: datetime) -> float | None:
    """Return the longer of RetryInfo and ``Retry-After``, in seconds."""
    waits = [parse_retry_after(response.headers.get("retry-after"), now)]
    for info in response.details("RetryInfo"):
        delay = str(info.get("retryDelay", ""))
        waits.append(parse_seconds(delay[:-1]) if delay.endswith("s") else None)
    return max((seconds for seconds in waits if seconds is not None), default=None)
