"""The document on the page about signatures, against a fake that recomputes each of them."""

import re
from pathlib import Path

import pytest
import yaml

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.secrets import Secret
from tests.contracts.provider import INPUTS, MemoryExchange, request_for, run_call
from tests.fakes.http_server import HttpServer
from tests.fakes.job_upstreams import FakeTencent

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sign-requests.md"
_BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
DOCUMENT = next(block for block in map(yaml.safe_load, _BLOCKS) if "schema" in block)


@pytest.fixture
async def server(anyio_backend):
    async with HttpServer(FakeTencent()) as running:
        yield running
    assert [] == running.complaints


@pytest.fixture
async def provider(server, anyio_backend):
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
    yield HttpProvider(outbound=outbound, clock=SystemClock())
    await outbound.aclose()


def config(server, key=FakeTencent.key) -> ProviderConfig:
    return ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=server.url,
        api_key=Secret.parse(key),
        extra_config={"spec": DOCUMENT},
    )


def call_of(provider, config, operation=Operation.GENERATE, **params) -> ProviderCall:
    model = choose_model(provider.describe(config).models, None)
    return ProviderCall(
        call_id="call-1", request=request_for(operation, **params), model=model, config=config
    )


@pytest.mark.parametrize("operation", [Operation.GENERATE, Operation.REFERENCE])
async def test_the_example_makes_images(server, provider, operation):
    """Submit, polls and their signatures; it is paid once."""
    call = call_of(provider, config(server), operation, num=2)

    result = await run_call(provider, call, MemoryExchange(INPUTS))

    assert 2 == len(result.images)
    assert 1 == len(server.fake.ledger)


@pytest.mark.parametrize("key", ["AKIDwrong0123456:wrong-0123456789", "no-colon-0123456789"])
async def test_a_wrong_key_is_refused(server, provider, key):
    """By the provider, or before anything is sent; the message does not repeat it."""
    with pytest.raises(CallError) as caught:
        await run_call(provider, call_of(provider, config(server, key)), MemoryExchange(INPUTS))

    assert FailureCode.AUTH_FAILED == caught.value.failure.code
    assert key not in str(caught.value)
    assert [] == server.fake.ledger


async def test_a_key_without_its_colon_is_known_before(server, provider):
    """Whoever saves it is told the form that it has to have."""
    wrong = provider.describe(config(server, "no-colon-0123456789"))
    right = provider.describe(config(server))

    assert (True, None) == ("SecretId:SecretKey" in str(wrong.key_problem), right.key_problem)


async def test_the_example_tells_a_wrong_key_without_paying(server, provider):
    """Its free request is judged by its signature."""
    good = await provider.probe(config(server))
    bad = await provider.probe(config(server, "AKIDwrong0123456:wrong-0123456789"))

    assert (True, False) == (good.ok, bad.ok)
    assert [] == server.fake.ledger
