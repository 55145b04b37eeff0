"""Every shipped preset against a strict fake of its provider: success, refusals, and what can go wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.reading import preset_names
from imagegen_core.attempt import UpstreamJob
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.costs import ReportedUsage
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.facts import TokenKind
from imagegen_core.models import check_request, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, ProviderContract, read, request_for, run_call
from tests.fakes import job_upstreams, relays, simple_upstreams
from tests.fakes.dashscope import FakeDashScope
from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.images import png
from tests.fakes.kling import FakeKling
from tests.fakes.modelscope import FakeModelScope
from tests.fakes.openai_images import FakeOpenAI
from tests.fakes.tokenhub import FakeTokenHub
from tests.fakes.xai import FakeXai

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]
UPSTREAMS = (
    FakeOpenAI,
    simple_upstreams.FakeGateway,
    FakeDashScope,
    simple_upstreams.FakeArk,
    simple_upstreams.FakeSiliconFlow,
    simple_upstreams.FakeQianfan,
    simple_upstreams.FakeHuaweiMaas,
    simple_upstreams.FakeMiniMax,
    simple_upstreams.FakeIdeogram,
    simple_upstreams.FakeRecraft,
    job_upstreams.FakeBfl,
    job_upstreams.FakeFal,
    job_upstreams.FakeReplicate,
    job_upstreams.FakeZhipu,
    FakeTokenHub,
    FakeKling,
    FakeModelScope,
    FakeXai,
    relays.FakeOpenRouter,
    relays.FakeSub2Api,
)
IN_BASE64 = ("openai", "minimax", "huawei-maas", "xai", "openrouter")
"""Presets whose answers hold the images themselves, by default."""

USAGE = {
    "openai": ReportedUsage(
        tokens={TokenKind.TEXT_INPUT: 10, TokenKind.IMAGE_INPUT: 40, TokenKind.IMAGE_OUTPUT: 50}
    ),
    "sub2api": ReportedUsage(tokens={TokenKind.TEXT_INPUT: 5, TokenKind.IMAGE_OUTPUT: 100}),
    "recraft": ReportedUsage(amount=Decimal("0.04"), currency="USD"),
    "bfl": ReportedUsage(amount=Decimal("0.04"), currency="USD"),
    "openrouter": ReportedUsage(amount=Decimal("0.04"), currency="USD"),
    "xai": ReportedUsage(amount=Decimal("0.06"), currency="USD"),
}
"""What their samples say of the charge."""

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def settings(fake, server, **changes) -> ProviderConfig:
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=f"{server.url}{fake.base}",
        api_key=None if fake.key is None else Secret.parse(fake.key),
        models=tuple(ModelEntry(id=m) for m in getattr(fake, "models", ())) or None,
        timeout_seconds=120,  # no test waits for it, but those of silence
        extra_config={"preset": fake.preset},
    )
    return attrs.evolve(config, **changes)


@pytest.fixture(params=UPSTREAMS, ids=lambda upstream: upstream.preset)
def fake(request):
    return request.param()


@pytest.fixture
async def server(fake, anyio_backend):
    async with HttpServer(fake) as running:
        yield running
    assert [] == running.complaints


@pytest.fixture
async def http_provider(server, anyio_backend):
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
    yield HttpProvider(outbound=outbound, clock=ManualClock(NOW))
    await outbound.aclose()


@pytest.fixture
def provider(http_provider):
    return http_provider


@pytest.fixture
def config(fake, server):
    return settings(fake, server)


def call_of(provider, config, request=None, model_id=None) -> ProviderCall:
    model = choose_model(provider.describe(config).models, model_id)
    return ProviderCall(
        call_id="call-1", request=request or request_for(model.operations[0]), model=model, config=config
    )


async def failure_of(provider, call) -> CallError:
    with pytest.raises(CallError) as caught:
        await run_and_read(provider, call)
    return caught.value


async def run_and_read(provider, call):
    result = await run_call(provider, call, MemoryExchange(INPUTS))
    for image in result.images:
        await read(image)


def test_each_preset_has_a_fake():
    """Every preset is tested; an alias equals its preset."""
    assert {v.preset for v in UPSTREAMS} | {"openai-dalle"} == set(preset_names())


class TestPresetContract(ProviderContract):
    """All presets fulfil the contract of the port."""

    @pytest.fixture
    def provider(self, http_provider):
        return http_provider

    @pytest.fixture
    def config(self, fake, server):
        return settings(fake, server)

    def rejected_request(self) -> ImageRequest:
        return attrs.evolve(request_for(Operation.GENERATE), prompt="forbidden")

    async def test_each_operation_yields_an_image(self, provider, config, fake):
        """Kling takes no reference as small as the contract's; its own sizes are tried with its limits."""
        if fake.preset != "kling":
            await super().test_each_operation_yields_an_image(provider, config)

    async def test_what_a_call_is_charged_for_is_read(self, provider, config, fake):
        """An amount or tokens, of those that say it: in the submission's response or with the image."""
        model = choose_model(provider.describe(config).models, None)
        request = request_for(model.operations[0])
        result = await run_call(provider, call_of(provider, config, request), MemoryExchange(INPUTS))

        assert USAGE.get(fake.preset) == result.usage

    async def test_a_refusal_says_so(self, provider, config, fake):
        """A refused prompt ends as ``content_policy``; of those without one, no such answer is known."""
        if fake.preset not in ("huawei-maas", "modelscope"):
            await super().test_a_refusal_says_so(provider, config)


class TestMoney:
    """One call is one charge, and its outcome is reported without guessing."""

    async def test_one_call_is_one_charge(self, fake, provider, config):
        """A call with its polls and downloads pays once."""
        await run_call(provider, call_of(provider, config), MemoryExchange(INPUTS))

        assert 1 == len(fake.ledger)

    @pytest.mark.parametrize(
        ("how", "codes"),
        [
            (Break.RESET_BEFORE_READ, {FailureCode.OUTCOME_UNKNOWN}),
            (Break.RESET_AFTER_READ, {FailureCode.OUTCOME_UNKNOWN}),
            (Break.TRUNCATED, {FailureCode.OUTCOME_UNKNOWN}),
            (Break.EMPTY, {FailureCode.BAD_RESPONSE}),
            (Break.HTML, {FailureCode.BAD_RESPONSE}),
            (Break.SILENCE, {FailureCode.TIMEOUT}),
            (Reply(500, b"oops"), {FailureCode.OUTCOME_UNKNOWN}),
            (Reply(503, b"<html>busy</html>"), {FailureCode.OUTCOME_UNKNOWN}),
            (Reply(408, b""), {FailureCode.OUTCOME_UNKNOWN}),
        ],
    )
    async def test_what_is_not_known_is_never_repeated(self, fake, server, provider, config, how, codes):
        """A submit with an unknown outcome is sent once, and reported as possibly charged.

        Of the time that silence lasts, half is enough to connect on a busy machine.
        """
        server.break_next(how, path=fake.paid)
        config = attrs.evolve(config, timeout_seconds=4 if how is Break.SILENCE else 120)

        error = await failure_of(provider, call_of(provider, config))

        assert error.failure.code in codes
        assert error.failure.possible_charge
        assert not error.not_started
        assert len(fake.ledger) <= 1

    async def test_no_connection_starts_nothing(self, fake, provider, config):
        """A refused connection proves that nothing was started."""
        closed = attrs.evolve(config, api_base="http://127.0.0.1:9")
        outbound = Outbound(allow_private=["127.0.0.1:9"])
        provider = HttpProvider(outbound=outbound, clock=ManualClock(NOW))

        error = await failure_of(provider, call_of(provider, closed))

        assert (FailureCode.UNAVAILABLE, True) == (error.failure.code, error.not_started)
        await outbound.aclose()

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry_after": "7"}, 7.0),
            ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
            ({"retry_after": format_datetime(NOW + timedelta(seconds=20), usegmt=True)}, 20.0),
        ],
        ids=["seconds", "milliseconds", "date"],
    )
    async def test_rate_limits_start_nothing(self, fake, server, provider, config, headers, seconds):
        """A rate limit proves that nothing was started, and gives the wait."""
        server.break_next(fake.limited(**headers), path=fake.paid)

        error = await failure_of(provider, call_of(provider, config))

        assert (FailureCode.RATE_LIMITED, True) == (error.failure.code, error.not_started)
        assert seconds == error.retry_after
        assert [] == fake.ledger

    async def test_a_wrong_key_is_not_repeated_back(self, fake, provider, config):
        """A wrong key ends as ``auth_failed``; the message never holds the key."""
        if fake.auth_failure is None:
            return
        wrong = "AKIDwrong:0123456789wrong"
        error = await failure_of(
            provider, call_of(provider, attrs.evolve(config, api_key=Secret.parse(wrong)))
        )

        assert FailureCode.AUTH_FAILED == error.failure.code
        assert wrong not in str(error)
        assert [] == fake.ledger

    async def test_a_redirect_is_no_success(self, fake, server, provider, config):
        """A redirect of the paid call is not followed."""
        server.break_next(Reply(307, b"", {"location": f"{server.url}/elsewhere"}), path=fake.paid)

        error = await failure_of(provider, call_of(provider, config))

        assert FailureCode.REJECTED == error.failure.code
        assert 1 == len(server.requests)


class TestFiles:
    """Images behind URLs."""

    FILES = "^/files/|^/view"

    @pytest.mark.parametrize("status", [403, 404, 410, 500])
    async def test_a_lost_file_is_a_failed_download(self, fake, server, provider, config, status):
        """A missing result ends as ``download_failed``; the call is not paid again."""
        if fake.preset in IN_BASE64:
            return
        server.break_next(Reply(status, b"gone"), path=self.FILES, times=9)

        error = await failure_of(provider, call_of(provider, config))

        assert FailureCode.DOWNLOAD_FAILED == error.failure.code
        assert 1 == len(fake.ledger)

    async def test_whatever_is_there_is_passed_on(self, fake, server, provider, config):
        """A file that is not an image reaches the core, whose inspector refuses it."""
        if fake.preset in IN_BASE64:
            return
        server.break_next(Reply(200, b"<html>no image</html>"), path=self.FILES)

        result = await run_call(provider, call_of(provider, config), MemoryExchange(INPUTS))

        assert b"<html>no image</html>" == await read(result.images[0])


async def test_ark_makes_no_layers_unasked_and_defaults_to_a_living_model():
    """Each layer is charged; the default is what Volcengine serves since 2026-11-24."""
    fake = simple_upstreams.FakeArk()
    async with HttpServer(fake) as server:
        outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
        provider = HttpProvider(outbound=outbound, clock=ManualClock(NOW))
        call = call_of(provider, settings(fake, server))
        await run_call(provider, call, MemoryExchange(INPUTS))
        await outbound.aclose()
    layers = request_for(Operation.REFERENCE, layer_decomposition=True)

    assert [("doubao-seedream-5-0-pro-260628", "url")] == [
        (body["model"], body["response_format"]) for body in fake.bodies
    ]
    with pytest.raises(ValidationFailed):
        check_request(layers, call.model)


JOBS = [upstream for upstream in UPSTREAMS if hasattr(upstream, "is_submit")]


@pytest.mark.parametrize("upstream", JOBS, ids=lambda upstream: upstream.preset)
class TestJobs:
    """Jobs survive the process that submitted them."""

    async def test_another_process_goes_on(self, upstream):
        """A job can be polled by a provider object that did not submit it; it is paid once."""
        fake = upstream()
        async with HttpServer(fake) as server:
            first, second = (self.provider(server) for _ in range(2))
            call = call_of(first, settings(fake, server))
            job = await first.submit(call, MemoryExchange(INPUTS))

            receipt = await second.poll(
                call, UpstreamJob(id=job.id, data=dict(job.data)), exchange := MemoryExchange(INPUTS)
            )
            result = await second.collect(call, receipt, exchange)

            assert png(await self.number(result)) == await read(result.images[0])
            assert 1 == len(fake.ledger)

    async def test_troubles_while_polling_pass(self, upstream):
        """Resets, pages, server errors and rate limits while polling end nothing."""
        fake = upstream()
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            exchange = MemoryExchange(INPUTS)
            job = await provider.submit(call, exchange)
            for trouble in (Break.RESET_AFTER_READ, Break.HTML, Break.EMPTY, Reply(502), Break.TRUNCATED):
                server.break_next(trouble)
            server.break_next(Reply(429, b"", {"retry-after": "100"}))

            receipt = await provider.poll(call, job, exchange)

            assert (await provider.collect(call, receipt, exchange)).images
            assert 1 == len(fake.ledger)

    async def test_what_is_not_the_upstreams_word_ends_no_job(self, upstream):
        """Pages, redirects and encodings of a proxy do not end a job, nor do two refusals of the key."""
        fake = upstream()
        page = {"content-type": "text/html"}
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            exchange = MemoryExchange(INPUTS)
            job = await provider.submit(call, exchange)
            for trouble in (
                Reply(200, b"\x0b", {"content-encoding": "br"}),
                Reply(200, b"\x78", {"content-encoding": "deflate"}),
                Reply(302, b"{}", {"location": "https://login.example/"}),
                *(Reply(status, b"<html>", page) for status in (400, 401, 403, 404, 405)),
                Reply.json({"error": "of the proxy"}, 407),
                Reply(200, b"<html>" + b" " * 100_000, page),
                *[Reply.json({"detail": "no"}, 401)] * 2,
            ):
                server.break_next(trouble)

            receipt = await provider.poll(call, job, exchange)

            assert (await provider.collect(call, receipt, exchange)).images
            assert 1 == len(fake.ledger)

    async def test_a_refused_key_ends_the_job(self, upstream):
        """The provider's own 401, three times; or a page of 403 until the deadline, which may be its own."""
        fake = upstream()
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            job = await provider.submit(call, MemoryExchange(INPUTS))
            request_count = len(server.requests)
            server.break_next(Reply.json({"detail": "no"}, 401), times=3)
            with pytest.raises(CallError) as rejected_request:
                await provider.poll(call, job, MemoryExchange(INPUTS))
            responses = len(server.requests) - request_count
            server.break_next(Reply(403, b"<html>"), times=10_000)
            with pytest.raises(CallError) as walled:
                await provider.poll(call, job, MemoryExchange(INPUTS))

            assert (FailureCode.AUTH_FAILED, 3) == (rejected_request.value.failure.code, responses)
            assert (FailureCode.AUTH_FAILED, 403) == (
                walled.value.failure.code,
                walled.value.failure.upstream_status,
            )

    async def test_a_job_that_is_gone_expires(self, upstream):
        """A job that the provider no longer knows ends as ``result_expired``."""
        fake = upstream()
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            job = await provider.submit(call, MemoryExchange(INPUTS))
            server.break_next(Reply(404, b"{}"), times=9)

            with pytest.raises(CallError) as caught:
                await provider.poll(call, job, MemoryExchange(INPUTS))

            assert FailureCode.RESULT_EXPIRED == caught.value.failure.code
            assert caught.value.failure.possible_charge

    async def test_a_job_is_asked_for_once_more_at_its_deadline(self, upstream):
        """A Retry-After beyond the deadline does not lose the image of a job that is done by then."""
        fake = upstream()
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            exchange = MemoryExchange(INPUTS)
            job = await provider.submit(call, exchange)
            server.break_next(Reply(429, b"", {"retry-after": "86400"}))
            fake.jobs |= dict.fromkeys(fake.jobs, 9)  # done by now

            receipt = await provider.poll(call, job, exchange)

            assert (await provider.collect(call, receipt, exchange)).images

    async def test_a_job_that_never_ends_times_out(self, upstream):
        """At the deadline the job is given up."""
        fake = upstream()
        async with HttpServer(fake) as server:
            provider = self.provider(server)
            call = call_of(provider, settings(fake, server))
            job = await provider.submit(call, MemoryExchange(INPUTS))
            fake.looked = lambda job: False

            with pytest.raises(CallError) as caught:
                await provider.poll(call, job, MemoryExchange(INPUTS))

            assert FailureCode.TIMEOUT == caught.value.failure.code
            assert 1 == len(fake.ledger)

    def provider(self, server) -> HttpProvider:
        outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
        return HttpProvider(outbound=outbound, clock=ManualClock(NOW))

    async def number(self, result) -> int:
        data = await read(result.images[0])
        return next(n for n in range(3) if png(n) == data)
