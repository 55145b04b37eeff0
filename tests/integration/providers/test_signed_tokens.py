"""Tokens that are signed with a secret key: each request has its own, so that no job outlives its token."""

from datetime import UTC, datetime

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document import calls
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, request_for
from tests.fakes.http_server import HttpServer
from tests.fakes.kling import FakeKling

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


@pytest.fixture
async def server(anyio_backend):
    async with HttpServer(FakeKling()) as running:
        yield running
    assert [] == running.complaints


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def provider(server, clock, anyio_backend):
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
    yield HttpProvider(outbound=outbound, clock=clock)
    await outbound.aclose()


@pytest.fixture
def call(provider, server) -> ProviderCall:
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=server.url,
        api_key=Secret.parse(server.fake.key),
        extra_config={"preset": "kling"},
    )
    model = choose_model(provider.describe(config).models, None)
    request = request_for(Operation.GENERATE)
    return ProviderCall(call_id="call-1", request=request, model=model, config=config)


async def test_a_job_outlives_the_token_that_it_was_sent_with(server, provider, clock, call):
    """An hour later its polls have tokens of their own, which are valid."""
    exchange = MemoryExchange(INPUTS)
    server.fake.time = NOW.timestamp()
    job = await provider.submit(call, exchange)
    clock.advance(3600)
    server.fake.time = clock.now().timestamp()

    receipt = await provider.poll(call, job, exchange)

    assert (await provider.collect(call, receipt, exchange)).images
    assert server.fake.tokens[0] != server.fake.tokens[-1]


async def test_a_token_needs_no_body(server, provider, call, monkeypatch):
    """Its signature is of the token alone: ten references of ten megabytes are sent as they are read."""
    monkeypatch.setattr(calls, "_MAX_SIGNED_BYTES", 10)
    server.fake.time = NOW.timestamp()

    await provider.submit(call, MemoryExchange(INPUTS))

    assert 1 == len(server.fake.ledger)


@pytest.mark.parametrize("seconds", [-60, 0, 1799])
async def test_clocks_may_differ(server, provider, call, seconds):
    """The provider's may be a minute behind, or nearly half an hour ahead."""
    server.fake.time = NOW.timestamp() + seconds

    await provider.submit(call, MemoryExchange(INPUTS))

    assert 1 == len(server.fake.ledger)


@pytest.mark.parametrize(
    ("seconds", "message"), [(-61, "Authorization is not yet valid"), (1800, "Authorization has expired")]
)
async def test_a_clock_that_is_further_off_is_told(server, provider, call, seconds, message):
    """As a refused key, in the provider's words; nothing is charged, and no part of the key is repeated."""
    server.fake.time = NOW.timestamp() + seconds

    with pytest.raises(CallError) as caught:
        await provider.submit(call, MemoryExchange(INPUTS))

    assert FailureCode.AUTH_FAILED == caught.value.failure.code
    assert message in str(caught.value)
    assert "kling-secret" not in str(caught.value)
    assert [] == server.fake.ledger


async def test_a_used_up_package_is_no_rate_limit(server, provider, call):
    """Its status is 429, and waiting does not help."""
    server.break_next(server.fake.answer("in_arrears"))

    with pytest.raises(CallError) as caught:
        await provider.submit(call, MemoryExchange(INPUTS))

    assert FailureCode.QUOTA_EXHAUSTED == caught.value.failure.code


async def test_a_key_without_its_colon_is_known_before(provider, call):
    """Whoever saves it is told the form that it has to have."""
    config = attrs.evolve(call.config, api_key=Secret.parse("only-an-access-key"))

    assert "AccessKey:SecretKey" in str(provider.describe(config).key_problem)
