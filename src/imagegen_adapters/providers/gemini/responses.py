"""Parses Google's 200 responses: images and their metadata, or why there are none."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import shorten
from imagegen_adapters.providers.common.json_files import SpooledString
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.usage import read_usage
from imagegen_core.costs import ReportedUsage
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, as_message
from imagegen_core.problems import FailureReason

REFUSALS = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "JAILBREAK"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER"),
    }
)
"""Finish reasons by which Google refuses an image; a ``blockReason`` always refuses the prompt."""

_MAX_TEXT_CHARS = 2000


@attrs.frozen(kw_only=True)
class ImageData:
    """An image in a response: its base64, as text or as a location in the spooled file."""

    data: str | SpooledString
    metadata: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class ParsedResponse:
    """The content of a response, with at least one image."""

    images: tuple[ImageData, ...]
    failures: tuple[CallError, ...] = ()
    usage: ReportedUsage | None = None
    warnings: tuple[Message, ...] = ()


def read_content(response: Any) -> ParsedResponse:
    """Read a response of ``generateContent``. Images in thought parts are drafts, and ignored.

    Raises:
        CallError: ``content_policy``, or ``bad_response`` if there is no image for another reason.
    """
    document = _object(response)
    feedback = _object(document.get("promptFeedback"))
    candidates = [_object(c) for c in _list(document.get("candidates"))]
    shared = _shared_metadata(document)
    images: list[ImageData] = []
    failures: list[CallError] = []
    warnings: list[Message] = []
    for candidate in candidates:
        candidate_images = tuple(_content_images(candidate, shared))
        images += candidate_images
        if not candidate_images:
            failures.append(_no_image(candidate))
        elif candidate.get("finishReason") == "MAX_TOKENS":
            warnings.append(GeminiCode.TOKEN_LIMIT())
    if not images and feedback.get("blockReason"):
        reason = str(feedback["blockReason"])
        message = _text(feedback.get("blockReasonMessage"))
        raise _refusal(message or GeminiCode.PROMPT_BLOCKED(reason=reason), reason)
    if not images:
        message = _text(_object(document.get("error")).get("message"))
        raise failures[0] if failures else _bad(message or GeminiCode.NO_CANDIDATES())
    return ParsedResponse(
        images=tuple(images),
        failures=tuple(failures),
        usage=read_usage(document),
        warnings=tuple(warnings),
    )


def _content_images(candidate: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[ImageData]:
    text = _visible_text(candidate)
    for part in _parts(candidate):
        inline_data = _object(part.get("inlineData", part.get("inline_data")))
        data = inline_data.get("data")
        mime_type = str(inline_data.get("mimeType", inline_data.get("mime_type", "image/png")))
        if part.get("thought") is True or not isinstance(data, str | SpooledString) or not data:
            continue
        if mime_type.startswith("image/"):
            metadata = {
                "mime_type": mime_type,
                "finish_reason": candidate.get("finishReason"),
                "safety_ratings": candidate.get("safetyRatings"),
                "text": text,
            }
            yield ImageData(data=data, metadata=_without_empty({**shared, **metadata}))


def _no_image(candidate: Mapping[str, Any]) -> CallError:
    reason = str(candidate.get("finishReason") or "")
    message, text = _text(candidate.get("finishMessage")), _visible_text(candidate)
    if reason in REFUSALS:
        return _refusal(message or text or GeminiCode.IMAGE_BLOCKED(reason=reason), reason)
    if text:
        return _bad(GeminiCode.ANSWERED_IN_WORDS(text=text), reason)
    return _bad(message or GeminiCode.NO_IMAGE_REASON(reason=reason or GeminiCode.NO_REASON_GIVEN()), reason)


def read_predictions(response: Any) -> ParsedResponse:
    """Read a response of a predict method; filtered images become failures beside the others.

    Raises:
        CallError: ``content_policy`` if all were filtered, ``bad_response`` if there are none.
    """
    predictions = [_object(p) for p in _list(_object(response).get("predictions"))]
    images: list[ImageData] = []
    failures: list[CallError] = []
    for prediction in predictions:
        data = prediction.get("bytesBase64Encoded")
        reason = _text(prediction.get("raiFilteredReason"))
        if isinstance(data, str | SpooledString) and data:
            images.append(ImageData(data=data, metadata=_prediction_metadata(prediction)))
        elif reason:
            failures.append(_refusal(reason, "RAI_FILTERED"))
    if not images:
        raise failures[0] if failures else _bad(FailureReason.NO_IMAGE_IN_RESPONSE())
    return ParsedResponse(images=tuple(images), failures=tuple(failures))


def _prediction_metadata(prediction: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(
        {
            "mime_type": prediction.get("mimeType"),
            "revised_prompt": _text(prediction.get("prompt")),
            "safety_attributes": prediction.get("safetyAttributes"),
            "rai_filtered_reason": _text(prediction.get("raiFilteredReason")),
            "labels": prediction.get("labels"),
        }
    )


def _shared_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_version": document.get("modelVersion"),
        "response_id": document.get("responseId"),
        "usage": document.get("usageMetadata"),
    }


def _parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [_object(part) for part in _list(_object(candidate.get("content")).get("parts"))]


def _visible_text(candidate: Mapping[str, Any]) -> str:
    texts = (_text(part.get("text")) for part in _parts(candidate) if part.get("thought") is not True)
    return " ".join(filter(None, texts))[:_MAX_TEXT_CHARS]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items() if value not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    """Return JSON without the strings that were left on disk."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, SpooledString) else value


def _refusal(message: Message | str, reason: str) -> CallError:
    return CallError(FailureCode.CONTENT_POLICY, _short(message), upstream_status=200, upstream_code=reason)


def _bad(message: Message | str, reason: str = "") -> CallError:
    return CallError(
        FailureCode.BAD_RESPONSE, _short(message), upstream_status=200, upstream_code=reason or None
    )


def _short(message: Message | str) -> Message:
    return as_message(message).map_text(shorten)
