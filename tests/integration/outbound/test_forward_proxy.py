"""The proxy that other tests use is one that a client can rely on."""

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_core.config import ConfigSource, ProviderConfig
from tests.fakes.forward_proxy import ForwardProxy
from tests.fakes.loopback import Answer, Loopback

pytestmark = pytest.mark.anyio


async def test_requests_in_a_row_are_all_answered():
    """It takes one request a connection and says so, where the server behind it says nothing of the kind."""
    with Loopback(lambda _: Answer.json({})) as server:
        async with ForwardProxy() as proxy:
            outbound = Outbound(allow_private=[proxy.authority, server.host])
            config = ProviderConfig(
                provider_name="p",
                source=ConfigSource.FILE,
                kind="http",
                api_base=server.url,
                timeout_seconds=60,
                extra_config={"proxy": f"http://{proxy.authority}"},
            )
            statuses = [
                (await outbound.api_client(config).get(f"{server.url}/job")).status_code for _ in range(200)
            ]
            await outbound.aclose()

            assert [200] * 200 == statuses
            assert [f"GET {server.url}/job"] * 200 == proxy.request_lines
