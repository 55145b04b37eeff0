"""``kind: stable_diffusion``: two dialects behind one provider."""

import asyncio
from collections.abc import Awaitable, Callable

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.a1111.provider import A1111, PROGRESS_SECONDS
from imagegen_adapters.providers.stable_diffusion.stability import Stability
from imagegen_adapters.providers.stable_diffusion.stability_jobs import JOB_SECONDS, POLL_SECONDS
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import ImageRequest


class StableDiffusionProvider:
    """Implements the `Provider` port; ``extra_config.dialect`` chooses the protocol.

    ``a1111`` (the default) is the API of AUTOMATIC1111's WebUI, Forge and SD.Next, ``stability`` that of
    Stability AI, v2beta.

    Args:
        outbound: sends all requests.
        poll_seconds: between two polls of a Stability job; Stability asks for 10.
        job_seconds: how long such a job is polled.
        progress_seconds: between two progress requests to a WebUI.
        sleep: waits between polls.
    """

    names = ("stable-diffusion*",)
    extra_keys = frozenset({"dialect", "upscaler", "allow_scripts"})

    def __init__(
        self,
        outbound: Outbound,
        *,
        poll_seconds: float = POLL_SECONDS,
        job_seconds: float = JOB_SECONDS,
        progress_seconds: float = PROGRESS_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._a1111 = A1111(outbound, progress_seconds=progress_seconds)
        self._stability = Stability(outbound, poll_seconds=poll_seconds, job_seconds=job_seconds, sleep=sleep)

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
        dialect = config.extra_config.get("dialect", "a1111")
        if dialect == "a1111":
            return self._a1111
        if dialect == "stability":
            return self._stability
        raise ValidationFailed.for_field(
            "extra_config.dialect", ProblemCode.NOT_ONE_OF(choices=("a1111", "stability"))
        )
