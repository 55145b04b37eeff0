"""Stability AI's v2beta API on the wire: form fields and headers of requests, images from responses. Pure."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.a1111.requests import StableDiffusionCode
from imagegen_adapters.providers.common.calls import configured_headers
from imagegen_adapters.providers.common.images import nearest_ratio
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    SpooledString,
    bad_response,
    parse_spooled,
    read_text,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stable_diffusion.stability_routes import ASPECT_RATIOS, Route
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Message
from imagegen_core.operations import DEFAULT_EDIT_MODE, Operation
from imagegen_core.problems import FailureReason
from imagegen_core.requests import ImageRequest

CONTENT_FILTERED = "CONTENT_FILTERED"
SUFFIXES = ("/v2beta", "/v1")
RESPONSE_FILE = "answer.json"
MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + MAX_JSON_BYTES
_HANDLED_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "upscale_mode", "edit_mode"}
)


Field = tuple[str | None, str | bytes] | tuple[str, bytes, str]


def form(request: ImageRequest, route: Route, *, image: bytes | None, mask: bytes | None) -> dict[str, Field]:
    """Return the form in the shape of httpx's ``files=``, which stays multipart even without a file."""
    values: dict[str, Any] = dict(route.fixed)
    values |= {name: value for name, value in request.params.items() if name in route.fields}
    if "aspect_ratio" in route.fields and (ratio := _ratio(request)):
        values["aspect_ratio"] = ratio
    if values.get("seed") == -1:
        del values["seed"]
    if route.prompt is not None:
        values[route.prompt] = request.prompt
    fields: dict[str, Field] = {name: (None, _form_value(value)) for name, value in values.items()}
    if image is not None:
        source = request.references[0] if request.references else request.image
        mime_type = source.mime_type if source else "application/octet-stream"
        fields[route.image] = (f"picture.{mime_type.rpartition('/')[2]}", image, mime_type)
    if mask is not None:
        fields["mask"] = ("mask.png", mask, "image/png")
    return fields


def _form_value(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _ratio(request: ImageRequest) -> str | None:
    ratio = request.params.get("aspect_ratio")
    return ratio or (
        None if request.dimensions is None else nearest_ratio(*request.dimensions, ASPECT_RATIOS)
    )


def warnings(request: ImageRequest, route: Route) -> tuple[Message, ...]:
    """Return what the caller should know about how the request was served."""
    messages: list[Message] = []
    dimensions = request.dimensions
    if dimensions and "aspect_ratio" in route.fields and "aspect_ratio" not in request.params:
        size, ratio = f"{dimensions[0]}x{dimensions[1]}", _ratio(request) or ""
        messages.append(StableDiffusionCode.TAKES_NO_SIZE(size=size, ratio=ratio))
    elif dimensions:
        messages.append(StableDiffusionCode.NO_EFFECT(names=("width", "height")))
    if request.operation is Operation.UPSCALE:
        messages += _upscale_warnings(request)
    if request.edit_mode != DEFAULT_EDIT_MODE:
        messages.append(StableDiffusionCode.NO_EFFECT(names=("edit_mode",)))
    ignored = sorted(request.params.keys() - route.fields - _HANDLED_PARAMETERS)
    endpoint = route.path.rpartition("stable-image/")[2]
    messages += [StableDiffusionCode.NO_EFFECT_ON(name=name, route=endpoint) for name in ignored]
    return tuple(messages)


def _upscale_warnings(request: ImageRequest) -> list[Message]:
    mode, factor = request.params.get("upscale_mode", "fast"), request.upscale_factor
    if mode == "fast":
        return [] if factor == "x4" else [StableDiffusionCode.FOUR_TIMES(factor=factor)]
    chosen = "upscale_factor" in request.params
    return [StableDiffusionCode.OWN_SIZE(mode=mode, factor=factor)] if chosen else []


@attrs.frozen(kw_only=True)
class StabilityResult:
    """The one image of a response, in base64, and its metadata."""

    image: str | SpooledString
    metadata: Mapping[str, Any]


def parse_result(file: BinaryIO) -> StabilityResult:
    """Return the content of a spooled response. It reads the file.

    Raises:
        CallError: ``content_policy``, when the image was generated and blurred; ``bad_response``.
    """
    parsed = parse_spooled(file).resolved()
    if not isinstance(parsed, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    reason = read_text(file, parsed.get("finish_reason"))
    if reason == CONTENT_FILTERED:
        raise CallError(
            FailureCode.CONTENT_POLICY,
            StableDiffusionCode.STABILITY_FILTERED(),
            upstream_code=CONTENT_FILTERED,
            possible_charge=True,
        )
    image = parsed.get("image") or parsed.get("result")
    if not isinstance(image, (str, SpooledString)):
        raise bad_response(FailureReason.NO_IMAGE_IN_RESPONSE())
    seed = parsed.get("seed")
    metadata = {"finish_reason": reason, "seed": seed if isinstance(seed, int) else None}
    return StabilityResult(image=image, metadata={k: v for k, v in metadata.items() if v is not None})


def headers(config: ProviderConfig) -> dict[str, str]:
    """Return the headers of any request; Stability answers with JSON only if it is asked to."""
    key = {} if config.api_key is None else {"authorization": f"Bearer {config.api_key.reveal()}"}
    return configured_headers(config) | {"accept": "application/json"} | key


def secrets(config: ProviderConfig) -> tuple[str, ...]:
    """Return what no message may show."""
    return () if config.api_key is None else (config.api_key.reveal(),)
