"""``kind: stable_diffusion``: Stability AI's hosted API, v2beta, and the choice between it and a WebUI's.

=============  ==============================================  =======================================
operation      with                                            route
=============  ==============================================  =======================================
generate       the model's family                              generate/{ultra,core,sd3}
reference      ultra or sd3, the image as ``image``            generate/{ultra,sd3}
edit           a mask                                          edit/inpaint
edit           no mask, ``params.search_prompt``               edit/search-and-replace
upscale        ``params.upscale_mode`` left out or ``fast``    upscale/fast, always four times
upscale        ``conservative``, and a prompt                  upscale/conservative
upscale        ``creative``, and a prompt                      upscale/creative (job)
recontext      the prompt as the new background                edit/replace-background-and-relight (job)
=============  ==============================================  =======================================
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.a1111.provider import A1111, PROGRESS_SECONDS, free_response, status_error
from imagegen_adapters.providers.a1111.requests import StableDiffusionCode, source_of
from imagegen_adapters.providers.common.calls import (
    OneShot,
    PollFailures,
    ResponseCode,
    as_object,
    call_timeout,
    configured_headers,
    configured_model,
    is_from_upstream,
    joined,
    json_or_none,
    may_be_json,
    own_parameter,
    read_at_most,
    read_error,
    streamed_response,
)
from imagegen_adapters.providers.common.images import (
    MaskPolarity,
    check_sides,
    check_size,
    check_total_bytes,
    map_refusals,
    mask_for,
    nearest_ratio,
)
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    SpooledString,
    bad_response,
    decode_chunks,
    job_id_of,
    parse_json,
    parse_spooled,
    read_spooled,
    read_text,
)
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.forms import framed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import FailureReason, Message, ProblemCode
from imagegen_core.models import Model, Parameter, ProviderProfile, check_upscaled, common
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.requests import DEFAULT_EDIT_MODE, ImageRequest, Operation

# ---------------------------------------------------------------- its models

_OPERATIONS = tuple(operation for operation in Operation if operation is not Operation.SEGMENT)
_ASPECT_RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")

SHIPPED_MODELS = (
    ModelEntry(id="stable-image-core", name="Stable Image Core", default=True),
    ModelEntry(id="stable-image-ultra", name="Stable Image Ultra"),
    ModelEntry(id="sd3.5-large", name="Stable Diffusion 3.5 Large"),
    ModelEntry(id="sd3.5-large-turbo", name="Stable Diffusion 3.5 Large Turbo"),
    ModelEntry(id="sd3.5-medium", name="Stable Diffusion 3.5 Medium"),
    ModelEntry(id="sd3.5-flash", name="Stable Diffusion 3.5 Flash"),
)

_PARAMETERS = (
    *common("num", "width", "height", "size", "negative_prompt", "upscale_factor", "edit_mode"),
    Parameter(name="aspect_ratio", enum=_ASPECT_RATIOS),
    Parameter(name="seed", type="integer", minimum=-1, maximum=4_294_967_294),
    Parameter(name="style_preset"),
    Parameter(name="strength", type="number", minimum=0, maximum=1),
    own_parameter("search_prompt"),
    own_parameter("grow_mask", "integer", minimum=0, maximum=20),
    own_parameter("upscale_mode"),
    own_parameter("creativity", "number", minimum=0, maximum=0.5),
    own_parameter("foreground_prompt"),
    own_parameter("preserve_original_subject", "number", minimum=0, maximum=1),
    own_parameter("original_background_depth", "number", minimum=0, maximum=1),
    own_parameter("keep_original_background", "boolean"),
    own_parameter("light_source_direction"),
    own_parameter("light_source_strength", "number", minimum=0, maximum=1),
)


def _family(model_id: str) -> str:
    """Return the generator that serves a model; an unknown id belongs to the SD3 family."""
    return next((name for name in ("ultra", "core") if name in model_id), "sd3")


def model_of(entry: ModelEntry) -> Model:
    """Editing, upscaling and new backgrounds are the same for all models."""
    family = _family(entry.id)
    possible = tuple(o for o in _OPERATIONS if family != "core" or o is not Operation.REFERENCE)
    cfg_scale = (Parameter(name="cfg_scale", type="number", minimum=1, maximum=10),)
    formats = ("png", "jpeg") if family == "sd3" else ("png", "jpeg", "webp")
    output_format = Parameter(name="output_format", enum=formats)
    return configured_model(
        entry,
        possible,
        provider="stability",
        parameters=(*_PARAMETERS, *(cfg_scale if family == "sd3" else ()), output_format),
        form=("size", "num", "style_preset", "negative_prompt", "seed", "cfg_scale", "output_format"),
        sizes=framed(_ASPECT_RATIOS),
        max_references=1,
        prompt_chars=10_000,
    )


# ---------------------------------------------------------------- its routes

# How far image-to-image may depart from the image by default: Stability requires a number
DEFAULT_STRENGTH = 0.7
FAST_FACTOR = 4  # a fast upscale ignores the requested factor
MAX_BODY_BYTES = 10 * 1024 * 1024  # Stability refuses larger bodies
_BASIC = frozenset({"negative_prompt", "seed", "output_format"})
_STYLED = _BASIC | {"style_preset"}
_HANDLED_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "upscale_mode", "edit_mode"}
)


@attrs.frozen
class Route:
    """An endpoint; ``fields`` go under their own names, ``fixed`` unless a parameter overrides it."""

    path: str
    fields: frozenset[str]
    prompt: str | None = attrs.field(default="prompt", kw_only=True)
    image: str = attrs.field(default="image", kw_only=True)
    fixed: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    is_job: bool = attrs.field(default=False, kw_only=True)


_INPAINT = Route("edit/inpaint", _STYLED | {"grow_mask"})
_REPLACE = Route("edit/search-and-replace", _STYLED | {"grow_mask", "search_prompt"})
_UPSCALE = {
    "fast": Route("upscale/fast", frozenset({"output_format"}), prompt=None),
    "conservative": Route("upscale/conservative", _BASIC | {"creativity"}),
    "creative": Route("upscale/creative", _STYLED | {"creativity"}, is_job=True),
}
_RECONTEXT = Route(
    "edit/replace-background-and-relight",
    _BASIC
    | {"foreground_prompt", "preserve_original_subject", "original_background_depth"}
    | {"keep_original_background", "light_source_direction", "light_source_strength"},
    prompt="background_prompt",
    image="subject_image",
    is_job=True,
)


def route(request: ImageRequest, model_id: str) -> Route:
    """Return the endpoint for a request; a missing parameter that it needs is refused."""
    family, params = _family(model_id), request.params
    fields, fixed = _STYLED, {}
    if family == "sd3":
        fields, fixed = _STYLED | {"cfg_scale"}, {"model": model_id}
    match request.operation:
        case Operation.GENERATE:
            return Route(f"generate/{family}", fields | {"aspect_ratio"}, fixed=fixed)
        case Operation.REFERENCE:
            if family == "core":
                reason = StableDiffusionCode.NO_REFERENCES(model=model_id)
                raise ValidationFailed.for_field("model_id", reason)
            fixed |= {"strength": str(DEFAULT_STRENGTH)}
            fixed |= {"mode": "image-to-image"} if family == "sd3" else {}
            return Route(f"generate/{family}", fields | {"strength"}, fixed=fixed)
        case Operation.RECONTEXT:
            return _RECONTEXT
        case Operation.UPSCALE:
            mode = params.get("upscale_mode", "fast")
            if mode != "fast" and not request.prompt.strip():
                raise ValidationFailed.for_field("prompt", StableDiffusionCode.PROMPT_NEEDED(mode=mode))
            return _UPSCALE[mode]
        case _ if request.mask is not None:
            return _INPAINT
        case _ if params.get("search_prompt"):
            return _REPLACE
        case _:
            reason = StableDiffusionCode.NOTHING_TO_REPLACE()
            raise ValidationFailed.for_field("params.search_prompt", reason)


def check(request: ImageRequest, model_id: str) -> Route:
    """Check all that can be checked before anything is read or sent, and return the endpoint."""
    endpoint = route(request, model_id)
    check_size(request.params)
    check_sides(request.params)
    if endpoint is _UPSCALE["fast"] and request.image is not None:
        check_upscaled(request.image, request.params, FAST_FACTOR)
    check_total_bytes(request.named_inputs, MAX_BODY_BYTES)
    return endpoint


Field = tuple[str | None, str | bytes] | tuple[str, bytes, str]


def form(request: ImageRequest, route: Route, *, image: bytes | None, mask: bytes | None) -> dict[str, Field]:
    """Return httpx's ``files=``, which stays multipart even without a file."""
    values: dict[str, Any] = dict(route.fixed)
    values |= {name: value for name, value in request.params.items() if name in route.fields}
    if "aspect_ratio" in route.fields and (ratio := _ratio(request)):
        values["aspect_ratio"] = ratio
    if values.get("seed") == -1:
        del values["seed"]
    if route.prompt is not None:
        values[route.prompt] = request.prompt
    fields: dict[str, Field] = {
        name: (None, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in values.items()
    }
    if image is not None and (source := source_of(request)) is not None:
        mime_type = source.mime_type
        fields[route.image] = (f"picture.{mime_type.rpartition('/')[2]}", image, mime_type)
    if mask is not None:
        fields["mask"] = ("mask.png", mask, "image/png")
    return fields


def _ratio(request: ImageRequest) -> str | None:
    ratio, dimensions = request.params.get("aspect_ratio"), request.dimensions
    return ratio or (nearest_ratio(*dimensions, _ASPECT_RATIOS) if dimensions else None)


def warnings(request: ImageRequest, route: Route) -> Iterator[Message]:
    params, dimensions = request.params, request.dimensions
    if dimensions and "aspect_ratio" in route.fields and "aspect_ratio" not in params:
        size = f"{dimensions[0]}x{dimensions[1]}"
        yield StableDiffusionCode.TAKES_NO_SIZE(size=size, ratio=_ratio(request) or "")
    elif dimensions:
        yield StableDiffusionCode.NO_EFFECT(names=("width", "height"))
    if request.operation is Operation.UPSCALE:
        mode, factor = params.get("upscale_mode", "fast"), request.upscale_factor
        if mode == "fast" and factor != "x4":
            yield StableDiffusionCode.FOUR_TIMES(factor=factor)
        elif mode != "fast" and "upscale_factor" in params:
            yield StableDiffusionCode.OWN_SIZE(mode=mode, factor=factor)
    if request.edit_mode != DEFAULT_EDIT_MODE:
        yield StableDiffusionCode.NO_EFFECT(names=("edit_mode",))
    for name in sorted(params.keys() - route.fields - _HANDLED_PARAMETERS):
        yield StableDiffusionCode.NO_EFFECT_ON(name=name, route=route.path)


# ---------------------------------------------------------------- its responses

COOLDOWN_SECONDS = 60.0  # Stability's penalty for more than 150 requests in 10 seconds
_CONTENT_FILTERED = "CONTENT_FILTERED"
_BY_NAME: Mapping[str | None, FailureCode] = {
    "content_moderation": FailureCode.CONTENT_POLICY,
    "payment_required": FailureCode.QUOTA_EXHAUSTED,
    "unauthorized": FailureCode.AUTH_FAILED,
}
_TRANSIENT_CODES = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


def parse_result(file: BinaryIO, open_file: Callable[[], BinaryIO]) -> GeneratedImage:
    """Read the image of a spooled response; a blurred one is ``content_policy``."""
    parsed = parse_spooled(file).resolved()
    if not isinstance(parsed, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    reason = read_text(file, parsed.get("finish_reason"))
    if reason == _CONTENT_FILTERED:
        raise CallError(
            FailureCode.CONTENT_POLICY,
            StableDiffusionCode.STABILITY_FILTERED(),
            upstream_code=_CONTENT_FILTERED,
            possible_charge=True,
        )
    image = parsed.get("image") or parsed.get("result")
    if not isinstance(image, (str, SpooledString)):
        raise bad_response(FailureReason.NO_IMAGE_IN_RESPONSE())
    seed = parsed.get("seed")
    metadata = {"finish_reason": reason, "seed": seed if isinstance(seed, int) else None}
    return GeneratedImage(
        chunks=partial(decode_chunks, open_file, image),
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def call_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: tuple[str, ...],
    model: Model | None = None,
) -> CallError:
    """Return the error by Stability's own name of it, else by status."""
    text = body.decode("utf-8", "replace")
    parsed = as_object(json_or_none(text))
    name, errors, message = parsed.get("name"), parsed.get("errors"), parsed.get("message")
    name = name if isinstance(name, str) and name else None
    details = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
    sentence = details or (message if isinstance(message, str) else "") or name or text
    code = _BY_NAME.get(name, FailureCode.QUOTA_EXHAUSTED if status == httpx.codes.PAYMENT_REQUIRED else None)
    error = status_error(status, headers, sentence, name, secrets=secrets, model=model, code=code)
    if error.failure.code is FailureCode.RATE_LIMITED and not error.retry_after:
        error.retry_after = COOLDOWN_SECONDS
    return error


# ---------------------------------------------------------------- its calls

JOB_SECONDS = 900.0  # the minimum time for which a job is polled; Stability keeps results for 24 hours
_RESPONSE_FILE = "answer.json"
_MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + MAX_JSON_BYTES
_MAX_POLL_SECONDS = 60.0


@attrs.frozen(eq=False)
class Stability(OneShot):
    """One image a call; creative upscaling and new backgrounds are jobs, which cannot be stopped."""

    outbound: Outbound
    poll_seconds: float
    job_seconds: float
    sleep: Callable[[float], Awaitable[None]]

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        return ProviderProfile(
            models=tuple(map(model_of, config.models or SHIPPED_MODELS)),
            display_name="Stability AI",
            default_api_base="https://api.stability.ai",
            default_timeout=180,
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        check(request, model.upstream_id)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        with map_refusals():
            endpoint = check(call.request, call.model.upstream_id)
            upload = await self._upload(call, endpoint, exchange)
        async with streamed_response(self.outbound.api_client(call.config), upload) as response:
            exchange.mark_response_started()
            if response.status_code != httpx.codes.OK:
                raise _refusal(response, await read_error(response), call.config, call.model)
            if endpoint.is_job:
                return UpstreamJob(id=job_id_of(json_or_none(await read_at_most(response)), "id"))
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=_MAX_RESPONSE_BYTES)
        return Receipt(data={"file": _RESPONSE_FILE})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        seconds = max(self.job_seconds, call.config.timeout)
        delay, failures, outcome = self.poll_seconds, PollFailures(), None
        try:
            async with asyncio.timeout(seconds):
                while outcome is not True:
                    # Whatever Retry-After says, at least one more poll fits in before the deadline.
                    await self.sleep(min(delay, seconds / 2))
                    outcome = await self._poll_once(call.config, job, exchange, failures)
                    if isinstance(outcome, CallError):
                        backoff = max(self.poll_seconds, min(delay * 2, _MAX_POLL_SECONDS))
                        delay = max(outcome.retry_after or 0.0, backoff)
                    else:
                        failures.clear()
                        delay = self.poll_seconds
        except TimeoutError as error:
            raise failures.timeout_error(seconds) from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        open_file = partial(exchange.open_spooled, str(receipt.data.get("file", _RESPONSE_FILE)))
        image = await read_spooled(open_file, partial(parse_result, open_file=open_file))
        endpoint = route(call.request, call.model.upstream_id)
        return ProviderResult(images=(image,), warnings=tuple(warnings(call.request, endpoint)))

    async def probe(self, config: ProviderConfig) -> Probe:
        request = self._request(config, "GET", "/v1/user/balance", seconds=10.0)
        try:
            response = await free_response(self.outbound.api_client(config), request)
            if response.status_code != httpx.codes.OK:
                raise _refusal(response, response.content, config)
            credits_left = parse_json(response.content)["credits"]
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        except (ValueError, TypeError, LookupError):
            return Probe(ok=False, detail=StableDiffusionCode.NO_BALANCE())
        return Probe(ok=True, detail=StableDiffusionCode.CREDITS_LEFT(credits=str(credits_left)))

    async def _upload(self, call: ProviderCall, endpoint: Route, exchange: Exchange) -> httpx.Request:
        source = source_of(call.request)
        image = None if source is None else await exchange.read_input(source)
        mask = await mask_for(call.request, exchange, MaskPolarity.WHITE_IS_EDIT)
        files = form(call.request, endpoint, image=image, mask=mask)
        path = f"/v2beta/stable-image/{endpoint.path}"
        upload = self._request(call.config, "POST", path, seconds=call.config.timeout, files=files)
        if int(upload.headers["content-length"]) > MAX_BODY_BYTES:  # a mask grows when it is converted
            reason = ProblemCode.TOO_MANY_BYTES(maximum=MAX_BODY_BYTES)
            raise ValidationFailed.for_field("mask" if mask else "image", reason)
        return upload

    async def _poll_once(
        self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange, failures: PollFailures
    ) -> bool | CallError:
        """Return whether the result is spooled, or a transient error."""
        from_upstream = False
        request = self._request(config, "GET", f"/v2beta/results/{job.id}", seconds=config.timeout)
        try:
            async with streamed_response(self.outbound.api_client(config), request) as response:
                status = response.status_code
                if status == httpx.codes.ACCEPTED:
                    return False
                if status == httpx.codes.OK:
                    chunks = response.aiter_bytes()
                    if may_be_json(head := await anext(chunks, b"")):
                        body = joined(head, chunks)
                        await exchange.spool(_RESPONSE_FILE, body, max_bytes=_MAX_RESPONSE_BYTES)
                        return True
                    error = bad_response(ResponseCode.PAGE_INSTEAD())
                else:
                    content = await read_error(response)
                    error = _refusal(response, content, config)
                    if error.failure.code not in _TRANSIENT_CODES:
                        from_upstream = is_from_upstream(status, content)
                        if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                            reason = ResponseCode.JOB_UNKNOWN()
                            error = CallError(FailureCode.RESULT_EXPIRED, reason, upstream_status=status)
        except CallError as failed:
            if not is_transport_error(failed):
                raise
            error, from_upstream = failed, False
        failures.tolerate(error, from_upstream=from_upstream)
        return error

    def _request(
        self, config: ProviderConfig, method: str, path: str, *, seconds: float, files: Any = None
    ) -> httpx.Request:
        """``api_base`` may end in the API's version. Stability answers with JSON only if asked to."""
        base = (config.api_base or "").rstrip("/").removesuffix("/v2beta").removesuffix("/v1")
        key = {} if config.api_key is None else {"authorization": f"Bearer {config.api_key.reveal()}"}
        headers = configured_headers(config) | {"accept": "application/json"} | key
        return self.outbound.api_client(config).build_request(
            method, base + path, files=files, headers=headers, timeout=call_timeout(seconds)
        )


def _refusal(
    response: httpx.Response, body: bytes, config: ProviderConfig, model: Model | None = None
) -> CallError:
    secrets = () if config.api_key is None else (config.api_key.reveal(),)
    return call_error(response.status_code, response.headers, body, secrets=secrets, model=model)


# ---------------------------------------------------------------- both protocols as one kind


class StableDiffusionProvider:
    """The `Provider` port; ``extra_config.dialect`` is ``a1111`` (default) or ``stability``."""

    names = ("stable-diffusion*",)
    extra_keys = frozenset({"dialect", "upscaler", "allow_scripts"})

    def __init__(
        self,
        outbound: Outbound,
        *,
        poll_seconds: float = 10.0,  # what Stability asks for
        job_seconds: float = JOB_SECONDS,
        progress_seconds: float = PROGRESS_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dialects: Mapping[str, A1111 | Stability] = {
            "a1111": A1111(outbound, progress_seconds),
            "stability": Stability(outbound, poll_seconds, job_seconds, sleep),
        }

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        return self._dialect(config).describe(config)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        return self._dialect(config).split(request, model, config)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        return await self._dialect(call.config).submit(call, exchange)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        return await self._dialect(call.config).poll(call, job, exchange)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        return await self._dialect(call.config).collect(call, receipt, exchange)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        await self._dialect(call.config).cancel(call, job)

    async def probe(self, config: ProviderConfig) -> Probe:
        return await self._dialect(config).probe(config)

    def _dialect(self, config: ProviderConfig) -> A1111 | Stability:
        name = config.extra_config.get("dialect", "a1111")
        if name in self._dialects:
            return self._dialects[name]
        choices = tuple(self._dialects)
        raise ValidationFailed.for_field("extra_config.dialect", ProblemCode.NOT_ONE_OF(choices=choices))
