"""What an A1111 server answers: images, and what its error responses mean. Pure."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, BinaryIO

from imagegen_adapters.providers.a1111.requests import StableDiffusionCode, warnings
from imagegen_adapters.providers.common.calls import (
    parse_http_date,
    parse_retry_after,
    shorten,
    with_model_warning,
)
from imagegen_adapters.providers.common.json_files import (
    SpooledString,
    bad_response,
    decode_chunks,
    parse_spooled,
    read_text,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.models import Model
from imagegen_core.operations import Operation
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.problems import FailureReason
from imagegen_core.requests import ImageRequest


def parse_result(
    file: BinaryIO, open_file: Callable[[], BinaryIO], request: ImageRequest, *, interrupted: bool
) -> ProviderResult:
    """Return the images of a spooled response, without grids and without what extensions appended.

    It reads the file; each image opens it again.

    Raises:
        CallError: ``bad_response``, or ``cancelled`` if an interrupted call generated no image.
    """
    document = parse_spooled(file).resolved()
    if not isinstance(document, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    info = _info(read_text(file, document.get("info")))
    if request.operation is Operation.UPSCALE:
        candidates, info = [document.get("image")], {}
    else:
        candidates = _generated_images(document.get("images"), info)
    encoded_images = [value for value in candidates if isinstance(value, (str, SpooledString)) and value]
    if not encoded_images and interrupted:
        raise CallError(FailureCode.CANCELLED, StableDiffusionCode.SERVER_INTERRUPTED())
    if not encoded_images:
        raise bad_response(FailureReason.NO_IMAGE_IN_RESPONSE())
    images = tuple(
        GeneratedImage(
            chunks=partial(decode_chunks, open_file, value),
            metadata=_metadata(info, position, interrupted=interrupted),
        )
        for position, value in enumerate(encoded_images)
    )
    is_enlarged = bool(request.params.get("enable_hr"))
    return ProviderResult(images=images, warnings=tuple(warnings(request)), keeps_size=not is_enlarged)


def _info(encoded: str | None) -> dict[str, Any]:
    """Return ``info``, which is JSON inside a JSON string; if it cannot be read, only metadata is lost."""
    try:
        info = json.loads(encoded or "{}")
    except (ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}


def _generated_images(images: object, info: dict[str, Any]) -> list[Any]:
    if not isinstance(images, list):
        raise bad_response(ResponseCode.NO_IMAGES_NAMED())
    first, seeds = info.get("index_of_first_image", 0), info.get("all_seeds")
    first = first if isinstance(first, int) and 0 <= first < len(images) else 0
    return images[first : first + len(seeds)] if isinstance(seeds, list) and seeds else images[first:]


_METADATA_NAMES = {"sd_model_name": "model", "sd_model_hash": "model_hash", "sampler_name": "sampler_name"}


def _metadata(info: dict[str, Any], position: int, *, interrupted: bool) -> dict[str, Any]:
    metadata = {
        name: info[upstream_name]
        for upstream_name, name in _METADATA_NAMES.items()
        if isinstance(info.get(upstream_name), str)
    }
    seeds = info.get("all_seeds")
    seed = seeds[position] if isinstance(seeds, list) and position < len(seeds) else None
    if isinstance(seed, int):
        metadata["seed"] = seed
    if interrupted:
        metadata["interrupted"] = True
    return metadata


# ---------------------------------------------------------------- error responses

_NOT_FOUND = 404
_BY_STATUS: Mapping[int, FailureCode] = MappingProxyType(
    {
        401: FailureCode.AUTH_FAILED,
        403: FailureCode.AUTH_FAILED,
        407: FailureCode.AUTH_FAILED,
        408: FailureCode.OUTCOME_UNKNOWN,
        429: FailureCode.RATE_LIMITED,  # SD.Next's limiter refuses before the queue
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


def call_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    path: str,
    secrets: tuple[str, ...],
    model: Model | None = None,
) -> CallError:
    """Return the error for a response to a request of ``path``; it contains none of ``secrets``.

    Only 429 proves that nothing was started: a 503 may come from a proxy that lost the response of a call
    that ran. A refusal of a ``model`` that is being retired names its replacement.
    """
    text, upstream_code, is_about_the_path = _read_error(body.decode("utf-8", "replace"))
    if status == _NOT_FOUND and is_about_the_path:
        reason = StableDiffusionCode.NO_ROUTE(path=path)
        return CallError(FailureCode.REJECTED, reason, upstream_status=status)
    code = _BY_STATUS.get(status) or _BY_CLASS[min(status // 100, 5)]
    is_rate_limited = code is FailureCode.RATE_LIMITED
    reason = ResponseCode.RESPONSE_STATUS(status=status)
    if text.strip():
        reason = upstream_text(shorten(text, secrets))
    return CallError(
        code,
        with_model_warning(model, code, reason),
        not_started=is_rate_limited,
        retry_after=retry_after(headers) if is_rate_limited else None,
        upstream_status=status,
        upstream_code=upstream_code,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``; a date is compared with the response's own ``Date``."""
    return parse_retry_after(headers.get("retry-after"), parse_http_date(headers.get("date", "")))


def _read_error(text: str) -> tuple[str, str | None, bool]:
    """Return the useful sentence, the server's own code, and whether only the path is meant, not the call.

    The sentence is ``detail`` if it is text, or its first ``msg``; else ``errors``, ``error``, or the body.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):  # sd-server's 404 has no body at all, that of a proxy a page
        return text, None, True
    detail, error = body.get("detail"), body.get("error")
    code = error if isinstance(error, str) and error else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        location, message = detail[0].get("loc"), str(detail[0].get("msg", ""))
        parts = location if isinstance(location, list) else ()
        field = ".".join(str(part) for part in parts if part != "body")
        return f"{field}: {message}" if field else message, code, False
    texts = (detail, body.get("errors"), error)
    sentence = next((words for words in texts if isinstance(words, str) and words.strip()), text)
    return sentence, code, detail == "Not Found"  # FastAPI's message for an unknown path
