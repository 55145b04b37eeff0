"""A key that is exchanged for access tokens: once, not for each call, and never more than is safe."""

import asyncio
from datetime import UTC, datetime

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.secrets import Redactor, Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, request_for, run_call
from tests.fakes.exchanged_keys import CLIENT_SECRET, KEY, TOKEN_END, ExchangedKeys, document
from tests.fakes.http_server import HttpServer, Reply

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def keys():
    return ExchangedKeys()


@pytest.fixture
async def servers(keys, anyio_backend):
    async with HttpServer(keys.login) as login, HttpServer(keys.api) as api:
        yield login, api
    assert [] == [*login.complaints, *api.complaints]


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def redactor():
    return Redactor()


@pytest.fixture
async def provider(servers, clock, redactor, anyio_backend):
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}" for server in servers])
    yield HttpProvider(outbound=outbound, clock=clock, redactor=redactor)
    await outbound.aclose()


@pytest.fixture
def call_of(provider, servers):
    def new_call(model=None, key=KEY, errors=None, **auth):
        login, api = servers
        spec = document(f"{login.url}/login/token", **auth)
        config = ProviderConfig(
            provider_name="p",
            source=ConfigSource.DATABASE,
            kind="http",
            api_base=api.url,
            api_key=Secret.parse(key),
            extra_config={"spec": {**spec, "errors": errors or spec["errors"]}},
        )
        return ProviderCall(
            call_id="call-1",
            request=request_for(Operation.GENERATE),
            model=choose_model(provider.describe(config).models, model),
            config=config,
        )

    return new_call


async def images(provider, call):
    """Return how many images a call makes."""
    return len((await run_call(provider, call, MemoryExchange(INPUTS))).images)


async def refusal(provider, call):
    with pytest.raises(CallError) as caught:
        await run_call(provider, call, MemoryExchange(INPUTS))
    return caught.value


@pytest.mark.parametrize("in_header", [False, True])
async def test_calls_at_once_share_one_login(provider, keys, call_of, in_header):
    """Submit and polls have its token; the secret goes to the login alone, as the document says."""
    keys.in_header = in_header
    auth = {"client_auth": "client_secret_basic"} if in_header else {}
    calls = [call_of(model, **auth) for model in ("now", "job") * 4]

    assert [1] * 8 == await asyncio.gather(*(images(provider, call) for call in calls))
    assert ([CLIENT_SECRET], 8) == (keys.logins, len(keys.ledger))
    assert {f"token-1-{TOKEN_END}"} == set(keys.tokens)


@pytest.mark.parametrize(
    ("life", "seconds"), [(3600, 3540), ("3600", 3540), (60, 30), (None, 240), (-1, 240), (10**9, 86_340)]
)
async def test_a_token_is_fetched_again_shortly_before_its_end(provider, keys, clock, call_of, life, seconds):
    """A minute before, or at half of a short life; five minutes where nothing is said, a day at most."""
    keys.life = life
    for pause in (0, seconds - 1, 1):
        clock.advance(pause)
        await images(provider, call_of())

    assert ["token-1", "token-1", "token-2"] == [token[:7] for token in keys.tokens]


async def test_a_token_is_a_secret_until_the_next_one(provider, redactor, clock, call_of):
    """So that those of a year do not slow down the redactor."""
    tokens = [f"token-{number}-{TOKEN_END}".encode() for number in (1, 2)]
    secrets = []
    for pause in (0, 3600):
        clock.advance(pause)
        await images(provider, call_of())
        secrets.append([redactor.contains_secret(token) for token in tokens])

    assert [[True, False], [False, True]] == secrets


async def test_a_paid_call_with_a_revoked_token_is_left_to_another_attempt(provider, keys, call_of):
    """Nothing was started, which lets it be sent again; that has a new token."""
    await images(provider, call_of())
    keys.valid.clear()

    error = await refusal(provider, call_of())
    assert (FailureCode.UNAVAILABLE, True, False) == (
        error.failure.code,
        error.not_started,
        error.failure.possible_charge,
    )
    assert (1, 1, 2) == (len(keys.ledger), len(keys.logins), len(keys.tokens))
    assert 1 == await images(provider, call_of())
    assert (2, 2) == (len(keys.ledger), len(keys.logins))


async def test_a_document_that_does_not_trust_a_401_is_not_sent_again(provider, keys, call_of):
    """Where its table says that the outcome is unknown, it is."""
    call = call_of(errors={"classify": [{"status": 401, "as": "transient"}]})
    await images(provider, call)
    keys.valid.clear()

    assert FailureCode.OUTCOME_UNKNOWN == (await refusal(provider, call)).failure.code


async def test_a_free_request_with_a_revoked_token_is_sent_once_more(provider, keys, call_of):
    """So an accepted job is not lost, nor does a test of the provider fail."""
    call, exchange = call_of("job"), MemoryExchange(INPUTS)
    job = await provider.submit(call, exchange)
    keys.valid.clear()

    receipt = await provider.poll(call, job, exchange)
    keys.valid.clear()
    assert (await provider.collect(call, receipt, exchange)).images
    assert (await provider.probe(call.config)).ok
    assert (["/jobs"], 3) == (keys.ledger, len(keys.logins))


async def test_a_login_that_fails_for_a_while_loses_no_job(provider, keys, call_of):
    """Its polls go on until there is a token again."""
    call, exchange = call_of("job"), MemoryExchange(INPUTS)
    job = await provider.submit(call, exchange)
    keys.valid.clear()
    keys.answers = [Reply.json({"error": "invalid_client"}, 401), Reply(503), Reply(200, b"<html>")]

    receipt = await provider.poll(call, job, exchange)
    assert (await provider.collect(call, receipt, exchange)).images
    assert (["/jobs"], []) == (keys.ledger, keys.answers)


async def test_a_new_token_that_is_refused_is_a_wrong_login(provider, keys, call_of):
    """It is not asked for again and again; the message does not repeat it."""
    keys.trusts_nobody = True

    error = await refusal(provider, call_of())
    assert (FailureCode.AUTH_FAILED, False) == (error.failure.code, error.not_started)
    assert ("**** is not valid", 1, 1) == (str(error), len(keys.logins), len(keys.tokens))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply.json({"error": "temporarily_unavailable"}, 503), FailureCode.UNAVAILABLE),
        (Reply.json({"error": "slow_down"}, 429, retry_after="7"), FailureCode.UNAVAILABLE),
        (Reply(302, b"", {"location": "http://thief.example/"}), FailureCode.AUTH_FAILED),
        (Reply(200, b"<html>sign in</html>"), FailureCode.AUTH_FAILED),
        (Reply.json([]), FailureCode.AUTH_FAILED),
        (Reply.json({"access_token": 5}), FailureCode.AUTH_FAILED),
        (Reply.json({"access_token": ""}), FailureCode.AUTH_FAILED),
        (Reply.json({"access_token": "a\r\nX-Evil: 1"}), FailureCode.AUTH_FAILED),
        (Reply.json({"access_token": "a" * 20_000}), FailureCode.AUTH_FAILED),
    ],
)
async def test_without_a_token_nothing_is_sent(provider, keys, call_of, answer, code):
    """It costs nothing, and only trouble that may pass lets the call be sent again."""
    keys.answers = [answer]

    error = await refusal(provider, call_of())
    assert (code, code is FailureCode.UNAVAILABLE) == (error.failure.code, error.not_started)
    assert (False, []) == (error.failure.possible_charge, keys.tokens)


@pytest.mark.parametrize("key", ["3f2b-client:wrong-secret-0123456789", "no-colon-0123456789"])
async def test_a_wrong_key_is_refused_without_being_repeated(provider, keys, call_of, key):
    """By the login, or before; whoever saves it is told the form that it has to have."""
    call = call_of(key=key)
    error = await refusal(provider, call)

    assert (FailureCode.AUTH_FAILED, []) == (error.failure.code, keys.tokens)
    assert key.partition(":")[2] not in str(error) or ":" not in key
    problem = provider.describe(call.config).key_problem
    assert (":" not in key) == ("client_id:client_secret" in str(problem))


async def test_whoever_waits_for_a_login_shares_its_failure(provider, keys, call_of):
    """A wrong secret is tried once, not by every call at once: accounts are locked for less."""
    calls = [call_of(key="3f2b-client:wrong-secret-0123456789") for _ in range(8)]

    errors = await asyncio.gather(*(refusal(provider, call) for call in calls))
    assert ({FailureCode.AUTH_FAILED}, 1) == ({e.failure.code for e in errors}, len(keys.logins))
