"""A Gemini provider, Google's API on loopback, and an exchange in memory."""

import hashlib
from contextlib import asynccontextmanager

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, InputImage, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import MemoryExchange
from tests.fakes.gemini import KEY, FakeGemini

GENERATE = ImageRequest(operation=Operation.GENERATE, prompt="一只可爱的猫")


class Exchange(MemoryExchange):
    """Gives an input in one chunk: large ones in chunks of seven bytes would take a minute to send."""

    async def input_chunks(self, image):
        yield b"".join([chunk async for chunk in super().input_chunks(image)])


@attrs.define
class GeminiBench:
    """A provider, the fake that it calls, and an exchange."""

    fake: FakeGemini
    provider: GeminiProvider
    config: ProviderConfig
    exchange: MemoryExchange

    @classmethod
    @asynccontextmanager
    async def open(cls, clock=None, **changes):
        """Yield a bench with its own fake; ``changes`` are of the configuration."""
        async with FakeGemini() as fake:
            outbound = Outbound(allow_private=[fake.address])
            config = ProviderConfig(
                provider_name="gemini",
                source=ConfigSource.DATABASE,
                kind="gemini",
                api_base=fake.url,
                api_key=Secret(KEY),
                timeout_seconds=120,
                **changes,
            )
            yield cls(fake, GeminiProvider(outbound, clock=clock or ManualClock()), config, Exchange())
            await outbound.aclose()

    def call(self, request, model=None, **changes):
        config = attrs.evolve(self.config, **changes)
        models = self.provider.describe(config).models
        chosen = next((m for m in models if m.id == model), models[0])
        return ProviderCall(call_id="attempt-1", request=request, model=chosen, config=config)

    async def run(self, request, model=None, **changes):
        call = self.call(request, model, **changes)
        return await self.provider.collect(
            call, await self.provider.submit(call, self.exchange), self.exchange
        )

    async def failure(self, request, model=None, **changes):
        with pytest.raises(CallError) as raised:
            await self.run(request, model, **changes)
        return raised.value

    def input(self, data, key="picture", *, width=8, height=8):
        self.exchange.inputs[key] = data
        return InputImage(
            key=key,
            mime_type="image/png",
            width=width,
            height=height,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
