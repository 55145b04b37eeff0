"""Draws images on this machine at no cost, and simulates other providers on request."""

import asyncio
import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.common.calls import ResponseCode, configured_model, own_parameter
from imagegen_adapters.providers.common.images import in_pieces, map_refusals
from imagegen_adapters.providers.common.json_files import read_blocks
from imagegen_adapters.providers.demo import FORMATS, MAX_SIDE_PIXELS, Work
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import BlobMissing, CallError, FailureCode, ValidationFailed
from imagegen_core.facts import KNOWN_FIELDS, Label, framed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import MessageCode, ProblemCode
from imagegen_core.models import Model, Parameter, ProviderProfile, common
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import UPSCALE_FACTORS, ImageRequest, Operation, parse_size


class DemoCode(MessageCode, words="imagegen_adapters"):
    """Rules and failures of the demo provider."""


# ---------------------------------------------------------------- what the demo model takes

MAX_UPSCALED_SIDE_PIXELS = 4096

_DEFAULT_SIDE_PIXELS = 512
_SIZE_PIXELS: Mapping[str, int] = MappingProxyType({"512": 512, "1K": 1024, "2K": 2048})
_RATIOS = ("1:1", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5", "16:9", "9:16", "21:9")
_SIDE: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE_PIXELS}
_NO_EFFECT = Label(zh="接受，但不起作用", en="taken, without effect")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(name="width", default=_DEFAULT_SIDE_PIXELS, **_SIDE),
    Parameter(name="height", default=_DEFAULT_SIDE_PIXELS, **_SIDE),
    *common("num", "size"),
    Parameter(name="aspect_ratio", enum=_RATIOS),
    Parameter(name="image_size", enum=tuple(_SIZE_PIXELS)),
    *common("seed", "edit_mode", "mode", "upscale_factor"),
    *(
        attrs.evolve(parameter, form_field=attrs.evolve(parameter.form_field, description=_NO_EFFECT))
        for parameter in common("negative_prompt", "steps", "cfg_scale")
    ),
    Parameter(name="format", enum=tuple(FORMATS), default="png", form_field=KNOWN_FIELDS["output_format"]),
    own_parameter("delay_seconds", "number", minimum=0, maximum=600, default=0),
    own_parameter("progress_steps", "integer", minimum=0, maximum=100, default=0),
    own_parameter("as_job", "boolean", default=False),
    own_parameter("refuse", "boolean", default=False),
    own_parameter("fail"),
)


@attrs.frozen(kw_only=True)
class Options:
    """The parsed parameters of one call; ``never_starts``: the provider reports that it did not start it."""

    size: tuple[int, int]
    format: str
    delay_seconds: float
    progress_steps: int
    as_job: bool
    failure: FailureCode | None
    never_starts: bool

    @classmethod
    def from_request(cls, request: ImageRequest) -> "Options":
        """A size that cannot be drawn is refused."""
        params = request.params
        _check_enlargement(request)
        failure = FailureCode(params["fail"]) if params.get("fail") else None  # type: ignore[call-arg]  # by value
        failure = FailureCode.CONTENT_POLICY if params.get("refuse") else failure
        return cls(
            size=_size(params),
            format=params.get("format", "png"),
            delay_seconds=float(params.get("delay_seconds", 0)),
            progress_steps=int(params.get("progress_steps", 0)),
            as_job=bool(params.get("as_job", False)),
            failure=failure,
            never_starts=failure in (FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE),
        )


def _size(params: Mapping[str, Any]) -> tuple[int, int]:
    size = params.get("size")
    dimensions = parse_size(size)
    if size not in (None, "", "auto") and dimensions is None:
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=("auto",)))
    if dimensions is None:
        width, height = _shape(params)
        return int(params.get("width", width)), int(params.get("height", height))
    if not all(1 <= side <= MAX_SIDE_PIXELS for side in dimensions):
        reason = ProblemCode.SIDES_OUT_OF_RANGE(minimum=1, maximum=MAX_SIDE_PIXELS)
        raise ValidationFailed.for_field("params.size", reason)
    return dimensions


def _shape(params: Mapping[str, Any]) -> tuple[int, int]:
    """The longer side is ``image_size``, or the area is 512×512."""
    ratio_width, ratio_height = map(int, str(params.get("aspect_ratio", "1:1")).split(":"))
    scale = _DEFAULT_SIDE_PIXELS / math.sqrt(ratio_width * ratio_height)
    if side := _SIZE_PIXELS.get(str(params.get("image_size"))):
        scale = side / max(ratio_width, ratio_height)
    return round(ratio_width * scale), round(ratio_height * scale)


def _check_enlargement(request: ImageRequest) -> None:
    if request.operation is not Operation.UPSCALE or request.image is None:
        return
    factor = UPSCALE_FACTORS[request.upscale_factor]
    width, height = request.image.width * factor, request.image.height * factor
    if max(width, height) > MAX_UPSCALED_SIDE_PIXELS:
        field = "params.upscale_factor" if "upscale_factor" in request.params else "image"
        reason = DemoCode.UPSCALED_TOO_LARGE(
            factor=factor, width=width, height=height, maximum=MAX_UPSCALED_SIDE_PIXELS
        )
        raise ValidationFailed.for_field(field, reason)


_FORM = ("size", "num", "format", "seed", "delay_seconds", "fail")
_SIZES = framed(_RATIOS, _SIZE_PIXELS, dimensions=_shape)


# ---------------------------------------------------------------- the calls

_MAX_DRAWINGS = 2
_RETRY_AFTER_SECONDS = 1.0
_DEFAULT = ModelEntry(id="demo", name="Demo", default=True)


class DemoProvider:
    """Every model of a configuration draws alike; without any there is ``demo``.

    The same prompt and seed give the same image; image ``n`` of a call has seed + n. Without a seed (or
    with -1) it is derived from the call's id, and reported in the metadata.
    """

    names = ("demo",)
    extra_keys: frozenset[str] = frozenset()

    def __init__(self, clock: Clock) -> None:
        self._clock, self._drawing = clock, asyncio.Semaphore(_MAX_DRAWINGS)
        self._cancellations: dict[str, asyncio.Event] = {}

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        return ProviderProfile(
            models=tuple(
                configured_model(
                    entry, Operation, parameters=PARAMETERS, form=_FORM, sizes=_SIZES, takes_mask=True
                )
                for entry in config.models or (_DEFAULT,)
            ),
            needs_api_base=False,
            needs_api_key=False,
            free=True,
            billed=False,
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        Options.from_request(request)
        return (request,)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        with map_refusals():
            options = Options.from_request(call.request)
        now = self._clock.now()
        if options.as_job and not options.never_starts:
            return UpstreamJob(id=f"demo-{call.call_id}", data={"started_at": now.isoformat()})
        return await self._finish(call, options, exchange, now, timeout=call.config.timeout)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        try:
            started_at = datetime.fromisoformat(job.data["started_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise CallError(FailureCode.RESULT_EXPIRED, DemoCode.DEMO_NO_JOB(job=job.id)) from error
        with map_refusals():
            options = Options.from_request(call.request)
        return await self._finish(call, options, exchange, started_at)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        try:
            images = [(str(p["name"]), int(p["seed"])) for p in receipt.data["pictures"]]
        except (KeyError, TypeError, ValueError) as error:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.NO_IMAGES_NAMED()) from error
        return ProviderResult(images=tuple(_image(name, seed, exchange) for name, seed in images))

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        if job is None and call.call_id not in self._cancellations:
            return
        self._cancellations.setdefault(call.call_id, asyncio.Event()).set()

    async def probe(self, config: ProviderConfig) -> Probe:
        return Probe(ok=True, detail=DemoCode.DEMO_DRAWS_HERE())

    async def _finish(
        self,
        call: ProviderCall,
        options: Options,
        exchange: Exchange,
        started_at: datetime,
        *,
        timeout: float | None = None,
    ) -> Receipt:
        """Wait for the call's duration from ``started_at``, at most ``timeout``; then end it."""
        cancelled = self._cancellations.setdefault(call.call_id, asyncio.Event())
        steps, limit = max(1, options.progress_steps), math.inf if timeout is None else timeout
        try:
            for step in range(1, steps + 1):
                due = options.delay_seconds * step / steps
                remaining = min(due, limit) - (self._clock.now() - started_at).total_seconds()
                await self._pause(remaining, cancelled)
                if due > limit:
                    raise CallError(FailureCode.TIMEOUT, DemoCode.DEMO_TOO_SLOW(seconds=limit))
                if options.progress_steps and remaining > 0:
                    await exchange.progress(step / steps)
            if (code := options.failure) is not None:
                wait = _RETRY_AFTER_SECONDS if code is FailureCode.RATE_LIMITED else None
                reason, not_started = DemoCode.DEMO_ORDERED(), options.never_starts
                raise CallError(code, reason, not_started=not_started, retry_after=wait)
            return await self._draw(call, options, exchange, cancelled)
        finally:
            self._cancellations.pop(call.call_id, None)

    async def _pause(self, seconds: float, cancelled: asyncio.Event) -> None:
        if seconds > 0 and not cancelled.is_set():
            waits = [asyncio.ensure_future(w) for w in (self._clock.sleep(seconds), cancelled.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        _check(cancelled)

    async def _draw(
        self, call: ProviderCall, options: Options, exchange: Exchange, cancelled: asyncio.Event
    ) -> Receipt:
        request = call.request
        first = -1 if request.seed is None else request.seed
        if first < 0:
            first = int.from_bytes(hashlib.sha256(call.call_id.encode()).digest()[:4], "big")
        references = tuple([await exchange.read_input(r) for r in request.references])
        image = b"" if request.image is None else await exchange.read_input(request.image)
        mask = None if request.mask is None else await exchange.read_input(request.mask)
        images = []
        for index in range(request.num):
            _check(cancelled)
            work = Work(request, first + index, options.size, references, image, mask)
            async with self._drawing:
                file = await asyncio.to_thread(_draw_file, work, options.format)
            name = f"picture-{index}.{options.format}"
            await exchange.spool(name, in_pieces(file), max_bytes=MAX_IMAGE_BYTES)
            images.append({"name": name, "seed": work.seed})
        return Receipt(data={"pictures": images})


def _check(cancelled: asyncio.Event) -> None:
    if cancelled.is_set():
        raise CallError(FailureCode.CANCELLED, DemoCode.DEMO_CANCELLED())


def _draw_file(work: Work, format: str) -> bytes:
    # Imported here since Pillow takes 5 MB, and a service may never draw.
    from imagegen_adapters.providers.demo.drawing import encode, perform

    try:
        with map_refusals():
            return encode(perform(work), format)
    except OSError as error:
        raise CallError(FailureCode.REJECTED, ResponseCode.INPUT_UNREADABLE()) from error


def _image(name: str, seed: int, exchange: Exchange) -> GeneratedImage:
    def open_file() -> BinaryIO:
        try:
            return exchange.open_spooled(name)
        except BlobMissing as error:
            raise CallError(FailureCode.BAD_RESPONSE, DemoCode.DEMO_FILE_GONE(name=name)) from error

    return GeneratedImage(chunks=lambda: read_blocks(open_file), metadata={"demo": True, "seed": seed})
