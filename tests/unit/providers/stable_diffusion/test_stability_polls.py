from types import SimpleNamespace

import httpx
import pytest

from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.attempt import UpstreamJob
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from tests.contracts.clock import ManualClock
from tests.contracts.provider import MemoryExchange, request_for

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
    url = httpx.Request("GET", "https://stability.example")
    answers = ({"status_code": 404, "stream": CutStream()}, {"status_code": 200, "json": {"image": "aW0="}})
    responses = iter([httpx.Response(**answer, request=url) for answer in answers])
    transport = httpx.MockTransport(lambda _: next(responses))
    outbound = SimpleNamespace(api_headers={}, api_transport=lambda *_, **__: transport)
    config = ProviderConfig(
        provider_name="stable-diffusion",
        source=ConfigSource.FILE,
        api_base="https://stability.example",
        timeout_seconds=60,
        extra_config={"dialect": "stability"},
    )
    provider, exchange = StableDiffusionProvider(outbound, clock=ManualClock()), MemoryExchange()
    model = choose_model(provider.describe(config).models, None)
    request = request_for(Operation.RECONTEXT)
    call = ProviderCall(call_id="call-1", request=request, model=model, config=config)

    await provider.poll(call, UpstreamJob(id="job-1"), exchange)

    assert [b'{"image":"aW0="}'] == [data.replace(b" ", b"") for data in exchange.spooled.values()]
