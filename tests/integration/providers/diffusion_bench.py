"""A Stable Diffusion provider with a fake server and an exchange in memory."""

import io

import pytest
from PIL import Image

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.attempt import UpstreamJob
from imagegen_core.errors import CallError
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, InputImage, Operation
from tests.contracts.clock import ManualClock
from tests.contracts.provider import MemoryExchange


class DiffusionBench:
    """``options`` are those of the provider."""

    def __init__(self, server, config, *, exchange=None, clock=None, **options):
        self.outbound = Outbound(allow_private=[server.host])
        self.provider = StableDiffusionProvider(self.outbound, clock=clock or ManualClock(), **options)
        self.config = config
        self.exchange = exchange or MemoryExchange()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.outbound.aclose()

    def call(self, request, model_id=None):
        model = choose_model(self.provider.describe(self.config).models, model_id)
        return ProviderCall(call_id="call-1", request=request, model=model, config=self.config)

    async def make(self, request, model_id=None):
        """Return the result of a request."""
        call = self.call(request, model_id)
        outcome = await self.provider.submit(call, self.exchange)
        if isinstance(outcome, UpstreamJob):
            outcome = await self.provider.poll(call, outcome, self.exchange)
        return await self.provider.collect(call, outcome, self.exchange)

    async def failing(self, request, model_id=None):
        """Return the error in which a request ends."""
        with pytest.raises(CallError) as caught:
            await self.make(request, model_id)
        return caught.value


async def bytes_of(result):
    return [b"".join([chunk async for chunk in image.chunks()]) for image in result.images]


def generate(**params):
    return ImageRequest(operation=Operation.GENERATE, prompt="猫", params=params)


def image_input(key, data, size_bytes=None):
    image = Image.open(io.BytesIO(data))
    return InputImage(
        key=key,
        mime_type="image/png",
        width=image.width,
        height=image.height,
        size_bytes=size_bytes or len(data),
        sha256="",
    )
