"""A self-hosted Stable Diffusion server: A1111's WebUI, Forge, SD.Next."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import (
    MAX_ERROR_BYTES,
    OneShot,
    ResponseCode,
    as_list,
    as_object,
    basic_auth,
    configured_headers,
    configured_model,
    json_or_none,
    malformed_key,
    own_parameter,
    shorten,
    two_part_key_problem,
)
from imagegen_adapters.providers.common.images import (
    Body,
    BodyImage,
    check_size,
    input_parts,
    json_body,
    map_refusals,
)
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    Answer,
    Api,
    SpooledString,
    bad_response,
    decode_chunks,
    parse_json,
    parse_spooled,
    read_spooled,
    read_text,
)
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.facts import Source, form_field_of, in_pixels
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import FailureReason, JsonType, Message, MessageCode, ProblemCode, upstream_text
from imagegen_core.models import Model, Parameter, ProviderProfile, check_result_size, check_upscaled, common
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.requests import DEFAULT_EDIT_MODE, UPSCALE_FACTORS, ImageRequest, InputImage, Operation


class StableDiffusionCode(MessageCode, words="imagegen_adapters"):
    """Rules and remarks of the Stable Diffusion adapter."""


# ---------------------------------------------------------------- its models

DEFAULT_MODEL = "default"  # the model id for whichever checkpoint the server has loaded
SHIPPED_MODELS = (ModelEntry(id=DEFAULT_MODEL, name="Loaded checkpoint", default=True),)

_WIKI = "https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API"
_OPERATIONS = (Operation.GENERATE, Operation.REFERENCE, Operation.EDIT, Operation.UPSCALE)


_PARAMETERS = (
    *common("num", "width", "height", "size", "steps", "cfg_scale", "seed", "negative_prompt"),
    *common("upscale_factor", "edit_mode"),
    Parameter(name="sampler_name"),
    Parameter(name="scheduler"),
    Parameter(
        name="denoising_strength", type="number", minimum=0, maximum=1, form_field=form_field_of("strength")
    ),
    own_parameter("enable_hr", "boolean"),
    own_parameter("hr_scale", "number", minimum=1, maximum=4),
    own_parameter("hr_upscaler"),
    own_parameter("n_iter", "integer", minimum=1, maximum=10),
    own_parameter("upscaler_1"),
)
_FORM = ("size", "num", "negative_prompt", "steps", "cfg_scale", "seed", "sampler_name", "scheduler")
_SIZES = in_pixels(
    lambda ratio, side: (round(side * ratio**0.5 / 8) * 8, round(side / ratio**0.5 / 8) * 8),
    {"512": 512, "1K": 1024},
)


def model_of(entry: ModelEntry) -> Model:
    """All checkpoints take the same parameters."""
    return configured_model(
        entry,
        _OPERATIONS,
        parameters=_PARAMETERS,
        form=_FORM,
        sizes=_SIZES,
        accepts_extras=True,
        takes_mask=True,
        max_references=1,
        sources=(Source(url=_WIKI, read=dt.date(2026, 11, 24)),),
    )


# ---------------------------------------------------------------- its options

DEFAULT_UPSCALER = "R-ESRGAN 4x+"


@attrs.frozen(kw_only=True)
class Options:
    """The default ``upscaler``, and the scripts of extensions that callers may run."""

    upscaler: str = DEFAULT_UPSCALER
    allow_scripts: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: ProviderConfig) -> "Options":
        """Read the configuration; a value of another type is refused."""
        upscaler = config.extra_config.get("upscaler", DEFAULT_UPSCALER)
        scripts = config.extra_config.get("allow_scripts", [])
        if not isinstance(upscaler, str) or not upscaler:
            raise ValidationFailed.for_field("extra_config.upscaler", StableDiffusionCode.NOT_AN_UPSCALER())
        if not isinstance(scripts, (list, tuple)) or not all(isinstance(name, str) for name in scripts):
            reason = StableDiffusionCode.NOT_SCRIPT_NAMES()
            raise ValidationFailed.for_field("extra_config.allow_scripts", reason)
        return cls(upscaler=upscaler, allow_scripts=frozenset(scripts))


# ---------------------------------------------------------------- its bodies

# Larger images are scaled down for repainting unless a size is set: few GPUs could process them
MAX_REPAINT_SIDE_PIXELS = 2048
# The server's own defaults
DEFAULT_SIDE_PIXELS = 512
DEFAULT_HIRES_SCALE = 2.0
PATHS: Mapping[Operation, str] = {
    Operation.GENERATE: "/sdapi/v1/txt2img",
    Operation.REFERENCE: "/sdapi/v1/img2img",
    Operation.EDIT: "/sdapi/v1/img2img",
    Operation.UPSCALE: "/sdapi/v1/extra-single-image",
}

RESERVED_PARAMETERS: Mapping[str, Message] = {
    **dict.fromkeys(
        ("image", "imageList", "init_images", "firstpass_image"), StableDiffusionCode.IMAGES_WITH_REQUEST()
    ),
    **dict.fromkeys(("mask", "latent_mask"), StableDiffusionCode.MASK_WITH_REQUEST()),
    "include_init_images": StableDiffusionCode.NEW_IMAGES_ONLY(),
    "batch_size": StableDiffusionCode.USE_OTHER(others=("num",)),
    "prompt": StableDiffusionCode.PROMPT_WITH_REQUEST(),
    **dict.fromkeys(("send_images", "show_extras_results"), StableDiffusionCode.IMAGES_NEEDED()),
    **dict.fromkeys(
        ("save_images", "do_not_save_samples", "do_not_save_grid"), StableDiffusionCode.KEPT_HERE()
    ),
    "force_task_id": StableDiffusionCode.RECOGNISES_CALL(),
    "infotext": StableDiffusionCode.OVERRIDES_OTHERS(),
    "override_settings_restore_afterwards": StableDiffusionCode.LEAVES_SETTINGS(),
    **dict.fromkeys(("script_name", "script_args"), StableDiffusionCode.NO_SCRIPTS()),
    **dict.fromkeys(
        ("aspect_ratio", "image_size"), StableDiffusionCode.USE_OTHER(others=("width", "height"))
    ),
}
"""Parameters that a caller cannot set, and why."""

OVERRIDABLE_SETTINGS = frozenset(
    {"CLIP_stop_at_last_layers", "sd_vae", "eta_noise_seed_delta", "randn_source"}
)
"""Server settings that a caller may override for a call; the others name files and folders."""

_SERVICE_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "edit_mode", "mode", "n_iter"}
)


def _invalid(name: str, reason: Message) -> ValidationFailed:
    return ValidationFailed.for_field(f"params.{name}", reason)


def body(
    request: ImageRequest, model: Model, *, task: str, options: Options, images: Sequence[Any] = ()
) -> dict[str, Any]:
    """Refuse reserved or malformed parameters; ``images`` end with the mask (white repaints), if any."""
    extras = _extras(request.params, options)
    check_size(request.params)
    if request.operation is Operation.UPSCALE:
        for name in ("upscaling_resize", "upscaling_resize_w", "upscaling_resize_h", "resize_mode"):
            if name in extras:
                raise _invalid(name, StableDiffusionCode.USE_OTHER(others=("upscale_factor",)))
        factor = UPSCALE_FACTORS[request.upscale_factor]
        owned = {"resize_mode": 0, "upscaling_resize": factor, "show_extras_results": True}
        return {"upscaler_1": options.upscaler, **extras, **owned, "image": next(iter(images), None)}
    document = {**_size(request), **extras, **_count(request), "prompt": request.prompt}
    document |= {"send_images": True, "save_images": False, "force_task_id": task}
    if model.id != DEFAULT_MODEL:
        settings = document.get("override_settings", {})
        document["override_settings"] = {**settings, "sd_model_checkpoint": model.upstream_id}
    if images:
        document["init_images"] = [images[0]]
        if request.mask is not None:
            document |= {"mask": images[-1], "inpainting_mask_invert": 0}
    return document


def _extras(params: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return the parameters that go to the server under their own names."""
    extras = {name: value for name, value in params.items() if name not in _SERVICE_PARAMETERS}
    for name, value in extras.items():
        if name in RESERVED_PARAMETERS:
            raise _invalid(name, RESERVED_PARAMETERS[name])
        if name == "override_settings":
            _check_names(name, value, OVERRIDABLE_SETTINGS)
        elif name == "alwayson_scripts":
            _check_names(name, value, options.allow_scripts)
        elif not all(
            isinstance(v, str | int | float) for v in (value if isinstance(value, list) else [value])
        ):
            raise _invalid(name, StableDiffusionCode.NOT_PLAIN())
    return extras


def _check_names(name: str, value: object, allowed: frozenset[str]) -> None:
    if not isinstance(value, Mapping):
        raise _invalid(name, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    if unknown := [str(key) for key in value if key not in allowed]:
        reason = StableDiffusionCode.NOT_ALLOWED(allowed=tuple(sorted(allowed)))
        raise _invalid(f"{name}.{unknown[0]}", reason)


def _count(request: ImageRequest) -> dict[str, int]:
    """``n_iter`` says how many of the ``num`` images are generated one after another."""
    rounds = request.params.get("n_iter", 1)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1 or request.num % rounds:
        raise _invalid("n_iter", StableDiffusionCode.NOT_A_DIVISOR(num=request.num))
    return {"batch_size": request.num // rounds, "n_iter": rounds}


def _size(request: ImageRequest) -> dict[str, int]:
    """A repainted image keeps its own size, in steps of 8 pixels."""
    names, source = ("width", "height"), source_of(request)
    size = {} if source is None else dict(zip(names, _repaint_size(source), strict=True))
    if request.dimensions is not None:
        return dict(zip(names, request.dimensions, strict=True))
    return size | {name: int(request.params[name]) for name in names if name in request.params}


def result_size(request: ImageRequest) -> tuple[float, float]:
    """Return width and height of the result, after a second pass (hires) too."""
    size = _size(request)
    width, height = size.get("width", DEFAULT_SIDE_PIXELS), size.get("height", DEFAULT_SIDE_PIXELS)
    params = request.params
    if request.operation is not Operation.GENERATE or not params.get("enable_hr"):
        return width, height
    values = (params.get(name) for name in ("hr_resize_x", "hr_resize_y", "hr_scale"))
    x, y, scale = (value if isinstance(value, int | float) else 0 for value in values)
    scale = scale or DEFAULT_HIRES_SCALE
    return (x or width * y / height, y or height * x / width) if x or y else (width * scale, height * scale)


def source_of(request: ImageRequest) -> InputImage | None:
    """Return the image to repaint or enlarge."""
    return request.references[0] if request.references else request.image


def _repaint_size(source: InputImage) -> tuple[int, int]:
    scale = min(1.0, MAX_REPAINT_SIDE_PIXELS / max(source.width, source.height))
    width, height = (max(64, round(side * scale / 8) * 8) for side in (source.width, source.height))
    return width, height


def warnings(request: ImageRequest) -> Iterator[Message]:
    source = source_of(request)
    has_size = not request.params.keys().isdisjoint({"width", "height", "size"})
    is_repainted = request.operation in (Operation.REFERENCE, Operation.EDIT) and not has_size
    if is_repainted and source is not None and max(source.width, source.height) > MAX_REPAINT_SIDE_PIXELS:
        width, height = _repaint_size(source)
        yield StableDiffusionCode.REPAINTED_AT(size=f"{width}x{height}")
    if request.edit_mode != DEFAULT_EDIT_MODE:
        yield StableDiffusionCode.NO_EFFECT(names=("edit_mode",))
    if request.operation is Operation.UPSCALE and request.num > 1:
        yield StableDiffusionCode.ONE_UPSCALED()


# ---------------------------------------------------------------- its calls

PROGRESS_SECONDS = 1.0  # SD.Next allows an address 300 points a minute; a progress request costs one
_RESPONSE_FILE = "answer.json"
_FREE_CALL_SECONDS = 5.0
_MAX_FREE_BYTES = 1024 * 1024  # for calls that generate nothing; a list of a thousand checkpoints takes half


@attrs.frozen(eq=False)
class A1111(OneShot):
    """One call at a time: the server has a global lock, and each waiting call holds a connection."""

    _outbound: Outbound
    _progress_seconds: float
    _interrupted: dict[str, bool] = attrs.field(factory=dict, init=False)  # by the id of a running call

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        Options.from_config(config)
        configured_headers(config)
        return ProviderProfile(
            models=tuple(map(model_of, config.models or SHIPPED_MODELS)),
            display_name="Stable Diffusion WebUI",
            default_api_base="http://127.0.0.1:7860",
            needs_api_key=False,
            billed=False,
            max_concurrency=1,
            key_problem=two_part_key_problem(config, "user:password"),
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        body(request, model, task="", options=Options.from_config(config))
        check_result_size(request.params, *result_size(request))
        if request.operation is Operation.UPSCALE and request.image is not None:
            check_upscaled(request.image, request.params)
        return (request,)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> Receipt:
        request = call.request
        with map_refusals():
            images = [BodyImage(part, "") for part in await input_parts(request, exchange)]
            options = Options.from_config(call.config)
            document = body(request, call.model, task=call.call_id, options=options, images=images)
        self._interrupted[call.call_id] = False
        watcher = asyncio.create_task(self._watch(call, exchange))
        try:
            await self._send(call, json_body(document), exchange)
            return Receipt(data={"file": _RESPONSE_FILE, "interrupted": self._interrupted[call.call_id]})
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})
            del self._interrupted[call.call_id]

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        open_file = partial(exchange.open_spooled, str(receipt.data.get("file", _RESPONSE_FILE)))
        interrupted = bool(receipt.data.get("interrupted", False))
        parse = partial(parse_result, open_file=open_file, request=call.request, interrupted=interrupted)
        return await read_spooled(open_file, parse)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Interrupt the server, unless this call is over or the server reports another one as running."""
        if call.call_id not in self._interrupted:
            return
        with contextlib.suppress(CallError, httpx.HTTPError, ValueError):
            current = (await self._progress(call.config)).get("current_task")
            if current in (None, call.call_id) and call.call_id in self._interrupted:
                # Set before the request, because the image may arrive before the response to it.
                self._interrupted[call.call_id] = True
                answer = await self._api(call.config).ask("POST", "/sdapi/v1/interrupt")
                if not answer.is_success and call.call_id in self._interrupted:
                    self._interrupted[call.call_id] = False

    async def probe(self, config: ProviderConfig) -> Probe:
        try:
            models = await self._get_json(config, "/sdapi/v1/sd-models")
            settings = await self._get_json(config, "/sdapi/v1/options")
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        loaded = as_object(settings).get("sd_model_checkpoint")
        detail = StableDiffusionCode.CHECKPOINTS(
            count=len(as_list(models)), loaded=(str(loaded),) if loaded else ()
        )
        return Probe(ok=True, detail=detail)

    async def _send(self, call: ProviderCall, body: Body, exchange: Exchange) -> None:
        api, path = self._api(call.config), PATHS[call.request.operation]
        headers = {"content-type": body.content_type, "content-length": str(body.length)}
        # Room for all images in base64, a grid, and the JSON around them.
        max_bytes = (call.request.num + 1) * (MAX_IMAGE_BYTES * 4 // 3 + 4) + MAX_JSON_BYTES
        async with api.response_to(
            "POST", path, seconds=call.config.timeout, headers=headers, content=body.stream(exchange)
        ) as response:
            exchange.mark_response_started()
            if response.status_code != httpx.codes.OK:
                answer = await attrs.evolve(api, max_bytes=MAX_ERROR_BYTES).answer_of(response)
                raise call_error(answer, path=response.request.url.path, model=call.model)
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=max_bytes)

    async def _watch(self, call: ProviderCall, exchange: Exchange) -> None:
        """Report progress while the call runs. No failure here may affect the call."""
        furthest = 0.0
        while True:
            await asyncio.sleep(self._progress_seconds)
            with contextlib.suppress(CallError, httpx.HTTPError, ValueError, TypeError):
                progress = await self._progress(call.config)
                fraction = min(1.0, float(progress.get("progress", 0.0)))
                if progress.get("current_task") in (None, call.call_id) and fraction > furthest:
                    furthest = fraction
                    await exchange.progress(fraction)

    async def _progress(self, config: ProviderConfig) -> Mapping[str, Any]:
        return as_object(await self._get_json(config, "/sdapi/v1/progress?skip_current_image=true"))

    async def _get_json(self, config: ProviderConfig, path: str) -> Any:
        answer = await self._api(config).ask("GET", path)
        if answer.status != httpx.codes.OK:
            raise call_error(answer, path=path)
        if len(answer.body) == _MAX_FREE_BYTES:
            raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=_MAX_FREE_BYTES))
        return parse_json(answer.body)

    def _api(self, config: ProviderConfig) -> Api:
        """A1111 and SD.Next take the key as user and password."""
        key = None if config.api_key is None else config.api_key.reveal()
        if key is not None and ":" not in key:
            raise CallError(FailureCode.AUTH_FAILED, malformed_key("user:password"))
        return Api(
            outbound=self._outbound,
            config=config,
            base=(config.api_base or "").rstrip("/").removesuffix("/sdapi/v1").removesuffix("/sdapi"),
            headers={**configured_headers(config), **(basic_auth(key) if key else {})},
            secrets=tuple(filter(None, (key, (key or "").partition(":")[2]))),
            seconds=_FREE_CALL_SECONDS,
            max_bytes=_MAX_FREE_BYTES,
        )


# ---------------------------------------------------------------- images in a response

_METADATA_NAMES = {"sd_model_name": "model", "sd_model_hash": "model_hash", "sampler_name": "sampler_name"}


def parse_result(
    file: BinaryIO, open_file: Callable[[], BinaryIO], request: ImageRequest, *, interrupted: bool
) -> ProviderResult:
    """Return the images of a spooled response, without grids and what extensions appended.

    It reads the file; each image opens it again. Without images an interrupted call is ``cancelled``.
    """
    document = parse_spooled(file).resolved()
    if not isinstance(document, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    info = as_object(json_or_none(read_text(file, document.get("info")) or ""))  # JSON inside a JSON string
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


def _generated_images(images: object, info: Mapping[str, Any]) -> list[Any]:
    if not isinstance(images, list):
        raise bad_response(ResponseCode.NO_IMAGES_NAMED())
    first, seeds = info.get("index_of_first_image", 0), info.get("all_seeds")
    first = first if isinstance(first, int) and 0 <= first < len(images) else 0
    return images[first : first + len(seeds)] if isinstance(seeds, list) and seeds else images[first:]


def _metadata(info: Mapping[str, Any], position: int, *, interrupted: bool) -> dict[str, Any]:
    named = ((name, info.get(upstream_name)) for upstream_name, name in _METADATA_NAMES.items())
    metadata: dict[str, Any] = {name: value for name, value in named if isinstance(value, str)}
    seeds = info.get("all_seeds")
    if isinstance(seeds, list) and position < len(seeds) and isinstance(seeds[position], int):
        metadata["seed"] = seeds[position]
    return metadata | ({"interrupted": True} if interrupted else {})


# ---------------------------------------------------------------- error responses


def call_error(answer: Answer, *, path: str, model: Model | None = None) -> CallError:
    text, name, is_about_the_path = _read_error(answer.body.decode("utf-8", "replace"))
    if answer.status == httpx.codes.NOT_FOUND and is_about_the_path:
        reason = StableDiffusionCode.NO_ROUTE(path=path)
        return CallError(FailureCode.REJECTED, reason, upstream_status=answer.status)
    reason = ResponseCode.RESPONSE_STATUS(status=answer.status)
    return answer.error(upstream_text(shorten(text, answer.secrets)) if text.strip() else reason, name, model)


def _read_error(text: str) -> tuple[str, str | None, bool]:
    """Return the sentence, the server's own code, and whether only the path is unknown.

    The sentence is ``detail`` or its first ``msg``, else ``errors``, ``error``, or the body.
    """
    body = json_or_none(text)
    if not isinstance(body, dict):  # sd-server's 404 has no body at all, that of a proxy a page
        return text, None, True
    detail, error = body.get("detail"), body.get("error")
    name = error if isinstance(error, str) and error else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        location, message = detail[0].get("loc"), str(detail[0].get("msg", ""))
        parts = location if isinstance(location, list) else ()
        field = ".".join(str(part) for part in parts if part != "body")
        return f"{field}: {message}" if field else message, name, False
    texts = (detail, body.get("errors"), error)
    sentence = next((words for words in texts if isinstance(words, str) and words.strip()), text)
    return sentence, name, detail == "Not Found"  # FastAPI's message for an unknown path
