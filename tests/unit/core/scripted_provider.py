"""A scripted provider for unit tests, which counts what would have been charged."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable

from PIL import Image as Pillow

from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.costs import ReportedUsage
from imagegen_core.errors import CallError
from imagegen_core.facts import Price
from imagegen_core.models import Model, ProviderProfile, common
from imagegen_core.ports.provider import GeneratedImage, Probe, ProviderResult
from imagegen_core.requests import Operation


def png(color=(10, 20, 30), size=(8, 8)) -> bytes:
    """Return a small PNG."""
    file = io.BytesIO()
    Pillow.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


class ScriptedProvider:
    """Each list is a script of steps: an exception to raise, or a callable to await."""

    names = ("scripted",)
    extra_keys = frozenset({"mode"})

    def __init__(self, *, as_job: bool = False, fan_out: bool = False, max_concurrency: int | None = None):
        self.as_job = as_job
        self.fan_out = fan_out
        self.max_concurrency = max_concurrency
        self.submits: list[CallError | Callable] = []
        self.polls: list[CallError | Callable] = []
        self.collects: list[CallError | Callable] = []
        self.images = [png()]
        self.failures: tuple[CallError, ...] = ()
        self.metadata = {"seed": 1}
        self.warnings = ()
        self.keeps_size = True
        self.price: Price | None = None
        self.usage: ReportedUsage | None = None
        self.billed = True
        self.charged = 0
        self.polled: list[str] = []
        self.cancelled: list[UpstreamJob | None] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.release = asyncio.Event()

    def describe(self, config):
        model = Model(
            id="m1",
            default=True,
            operations=tuple(Operation),
            parameters=common("seed", "width", "height", "upscale_factor"),
            price=self.price,
        )
        return ProviderProfile(
            models=(model,),
            needs_api_base=False,
            needs_api_key=False,
            max_concurrency=self.max_concurrency,
            billed=self.billed,
        )

    def split(self, request, model, config):
        return request.split() if self.fan_out else (request,)

    async def submit(self, call, exchange):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._play(self.submits)
        finally:
            self.in_flight -= 1
        self.charged += 1
        if self.as_job:
            return UpstreamJob(id=f"job-{self.charged}", data={"n": self.charged})
        return Receipt(data={"answer": call.call_id})

    async def poll(self, call, job, exchange):
        self.polled.append(job.id)
        await exchange.progress(0.5)
        await self._play(self.polls)
        return Receipt(data={"job": job.id})

    async def collect(self, call, receipt, exchange):
        await self._play(self.collects)
        return ProviderResult(
            images=tuple(
                GeneratedImage(chunks=_chunks(data), metadata=self.metadata) for data in self.images
            ),
            failures=self.failures,
            usage=self.usage,
            warnings=self.warnings,
            keeps_size=self.keeps_size,
        )

    async def cancel(self, call, job):
        self.cancelled.append(job)
        self.release.set()

    async def probe(self, config):
        return Probe(ok=True, detail="scripted")

    async def _play(self, script):
        if script:
            step = script.pop(0)
            if isinstance(step, BaseException):
                raise step
            await step()


class SpoolingProvider(ScriptedProvider):
    """A provider whose response is spooled, with its image and ``size`` bytes in all.

    ``read`` counts how often the image is read from there.
    """

    def __init__(self, size: int, *, as_job: bool = False):
        super().__init__(as_job=as_job)
        self.size = size
        self.read = 0

    async def submit(self, call, exchange):
        answer = await super().submit(call, exchange)
        return answer if self.as_job else await self._receipt(exchange)

    async def poll(self, call, job, exchange):
        await super().poll(call, job, exchange)
        return await self._receipt(exchange)

    async def collect(self, call, receipt, exchange):
        await self._play(self.collects)
        name = receipt.data["file"]
        exchange.open_spooled(name).close()

        async def chunks():
            self.read += 1
            with exchange.open_spooled(name) as file:
                yield file.read().rstrip(b"\0")

        return ProviderResult(images=(GeneratedImage(chunks=chunks),))

    async def _receipt(self, exchange):
        (image,) = self.images
        response = _chunks(image.ljust(self.size, b"\0"))
        await exchange.spool("answer", response(), max_bytes=self.size)
        return Receipt(data={"file": "answer"})


def _chunks(data: bytes):
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return chunks
