"""Draws images on this machine at no cost, and simulates the behaviour of other providers on request."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import BinaryIO

from imagegen_adapters.providers.common.calls import ResponseCode
from imagegen_adapters.providers.common.images import map_refusals
from imagegen_adapters.providers.common.json_files import read_blocks
from imagegen_adapters.providers.demo.options import FORM, PARAMETERS, SIZES, DemoCode, Options, Work
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import BlobMissing, CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.operations import Operation
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import ImageRequest

_CHUNK_BYTES = 64 * 1024
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
        self._clock = clock
        self._drawing = asyncio.Semaphore(_MAX_DRAWINGS)
        self._cancellations: dict[str, asyncio.Event] = {}

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        models = tuple(
            Model(
                id=entry.id,
                name=entry.name,
                default=entry.default,
                operations=tuple(Operation) if entry.capabilities is None else entry.capabilities,
                parameters=PARAMETERS,
                form=FORM,
                sizes=SIZES,
            )
            for entry in config.models or (_DEFAULT,)
        )
        return ProviderProfile(
            models=models, needs_api_base=False, needs_api_key=False, free=True, billed=False
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
        cancelled = self._cancellations.setdefault(call.call_id, asyncio.Event())
        try:
            await self._delay(options, exchange, started_at, cancelled, timeout)
            if options.failure is not None:
                is_limited = options.failure is FailureCode.RATE_LIMITED
                raise CallError(
                    options.failure,
                    DemoCode.DEMO_ORDERED(),
                    not_started=options.never_starts,
                    retry_after=_RETRY_AFTER_SECONDS if is_limited else None,
                )
            return await self._draw(call, options, exchange, cancelled)
        finally:
            self._cancellations.pop(call.call_id, None)

    async def _delay(
        self,
        options: Options,
        exchange: Exchange,
        started_at: datetime,
        cancelled: asyncio.Event,
        timeout: float | None,
    ) -> None:
        """Wait until the call has taken its time or ``timeout`` is over, counted from ``started_at``."""

        def elapsed() -> float:
            return (self._clock.now() - started_at).total_seconds()

        steps = max(1, options.progress_steps)
        for step in range(1, steps + 1):
            due = options.delay_seconds * step / steps
            if timeout is not None and due > timeout:
                await self._pause(timeout - elapsed(), cancelled)
                raise CallError(FailureCode.TIMEOUT, DemoCode.DEMO_TOO_SLOW(seconds=timeout))
            remaining = due - elapsed()
            await self._pause(remaining, cancelled)
            if options.progress_steps and remaining > 0:
                await exchange.progress(step / steps)

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
            work = Work(
                operation=request.operation,
                prompt=request.prompt,
                seed=first + index,
                size=options.size,
                upscale_factor=options.upscale_factor,
                references=references,
                image=image,
                mask=mask,
            )
            async with self._drawing:
                file = await asyncio.to_thread(_drawn, work, options.format)
            name = f"picture-{index}.{options.format}"
            await exchange.spool(name, _chunks(file), max_bytes=MAX_IMAGE_BYTES)
            images.append({"name": name, "seed": work.seed})
        return Receipt(data={"pictures": images})


def _check(cancelled: asyncio.Event) -> None:
    if cancelled.is_set():
        raise CallError(FailureCode.CANCELLED, DemoCode.DEMO_CANCELLED())


def _drawn(work: Work, format: str) -> bytes:
    # Imported here since Pillow takes 5 MB, and a service may never draw.
    from imagegen_adapters.providers.demo.drawing import encode, perform

    try:
        with map_refusals():
            return encode(perform(work), format)
    except OSError as error:
        raise CallError(FailureCode.REJECTED, ResponseCode.INPUT_UNREADABLE()) from error


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]


def _image(name: str, seed: int, exchange: Exchange) -> GeneratedImage:
    def open_file() -> BinaryIO:
        try:
            return exchange.open_spooled(name)
        except BlobMissing as error:
            raise CallError(FailureCode.BAD_RESPONSE, DemoCode.DEMO_FILE_GONE(name=name)) from error

    return GeneratedImage(chunks=lambda: read_blocks(open_file), metadata={"demo": True, "seed": seed})
