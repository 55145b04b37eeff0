"""Images from responses of the A1111 WebUI API. Pure."""

import json
from collections.abc import Callable
from typing import Any, BinaryIO

from imagegen_adapters.providers.common.json_files import (
    SpooledString,
    bad_response,
    decode_chunks,
    parse_spooled,
    read_text,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stable_diffusion.a1111_bodies import warnings
from imagegen_adapters.providers.stable_diffusion.messages import StableDiffusionCode
from imagegen_core.errors import CallError, FailureCode
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
            chunks=_chunks(open_file, value), metadata=_metadata(info, position, interrupted=interrupted)
        )
        for position, value in enumerate(encoded_images)
    )
    is_enlarged = bool(request.params.get("enable_hr"))
    return ProviderResult(images=images, warnings=warnings(request), keeps_size=not is_enlarged)


def _chunks(open_file: Callable[[], BinaryIO], value: str | SpooledString) -> Any:
    return lambda: decode_chunks(open_file, value)


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
