from types import SimpleNamespace

import httpx
import pytest

from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.config import ConfigSource, ProviderConfig

pytestmark = pytest.mark.anyio


class CutStream(httpx.AsyncByteStream):
    """A body that breaks off after its JSON, on a connection that does not close either."""

    async def __aiter__(self):
        yield b'{"errors": ["not found"]}'
        raise httpx.RemoteProtocolError("cut")

    async def aclose(self):
        raise httpx.ReadError("gone")


async def test_a_connection_that_breaks_while_it_is_closed_does_not_end_a_paid_job():
    """What the broken response said is not taken for the provider's word about the job."""
    responses = iter([httpx.Response(404, stream=CutStream()), httpx.Response(200, json={"image": "aW0="})])
    outbound = SimpleNamespace(
        api_client=lambda _: httpx.AsyncClient(transport=httpx.MockTransport(lambda _: next(responses)))
    )
    spooled = []

    async def spool(_name, chunks, **_limits):
        spooled.extend([chunk async for chunk in chunks])

    async def sleep(_seconds):
        pass

    config = ProviderConfig(
        provider_name="stable-diffusion",
        source=ConfigSource.FILE,
        api_base="https://stability.example",
        extra_config={"dialect": "stability"},
    )
    provider = StableDiffusionProvider(outbound, sleep=sleep)
    call, job = SimpleNamespace(config=config), SimpleNamespace(id="job-1")

    await provider.poll(call, job, SimpleNamespace(spool=spool))

    assert b'{"image":"aW0="}' == b"".join(spooled).replace(b" ", b"")
