"""A server with MCP, and a session by each of the transports."""

import pytest

from tests.fakes.a1111 import FakeA1111
from tests.integration.agents.agent import TRANSPORTS, connected
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import LiveServer


@pytest.fixture(scope="module")
def upstream():
    with FakeA1111() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    config = behind(upstream, mcp={"enabled": True})
    config["providers"] |= {
        "dead": {
            "kind": "http",
            "extra_config": {"preset": "openai-compatible"},
            "api_base": "http://127.0.0.1:9/v1",
            "api_key": "sk-dead-000000000",
            "models": [{"id": "m"}],
            "max_retries": 0,
        },
        "openai": {"api_key": "sk-never-called-0000"},
        "goes-by": {"kind": "demo", "models": [{"id": "demo", "capabilities": ["generate", "reference"]}]},
    }
    config["security"]["allow_private_upstreams"].append("127.0.0.1:9")
    running = LiveServer(tmp_path_factory.mktemp("agents"), config).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def api(server):
    with server.client(**{"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.thorough) if "before" in name else name for name in TRANSPORTS
    ],
)
def agent(server, request):
    with connected(server, request.param) as agent:
        yield agent


@pytest.fixture
def hold(upstream):
    """While it is not set, no job of the provider ends."""
    upstream.hold.clear()
    upstream.begun.clear()
    yield upstream.hold
    upstream.hold.set()
