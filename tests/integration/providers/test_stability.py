"""The Stability dialect against the provider's rules on loopback."""

import asyncio

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import MAX_REFUSALS
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.models import check_request
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import ProviderContract, request_for
from tests.fakes.a1111 import png
from tests.fakes.loopback import Answer
from tests.fakes.stability import FakeStability
from tests.integration.providers.diffusion_bench import DiffusionBench, bytes_of, generate, image_input

pytestmark = pytest.mark.anyio


def config(server, key=None):
    return ProviderConfig(
        provider_name="stability",
        source=ConfigSource.DATABASE,
        kind="stable_diffusion",
        api_base=server.url,
        api_key=Secret(key or server.key),
        timeout_seconds=120.0,
        extra_config={"dialect": "stability"},
    )


class TestContract(ProviderContract):
    """The contract of every provider."""

    @pytest.fixture
    def server(self):
        with FakeStability() as server:
            yield server

    @pytest.fixture
    async def provider(self, anyio_backend, server):
        outbound = Outbound(allow_private=[server.host])
        yield StableDiffusionProvider(outbound, clock=ManualClock())
        await outbound.aclose()

    @pytest.fixture
    def config(self, server):
        return config(server)

    def rejected_request(self):
        return attrs.evolve(request_for(Operation.GENERATE), prompt="forbidden")


class RecordingClock(ManualClock):
    """Records each wait."""

    def __init__(self):
        super().__init__()
        self.waits = []

    async def sleep(self, seconds):
        self.waits.append(seconds)
        await super().sleep(seconds)


class Bench(DiffusionBench):
    """Refuses what the model cannot do; waits are only recorded."""

    def __init__(self, server, *, key=None):
        clock = RecordingClock()
        super().__init__(server, config(server, key=key), clock=clock)
        self.waits = clock.waits

    def call(self, request, model_id=None):
        call = super().call(request, model_id)
        check_request(request, call.model)
        return call


INPUTS = {"p": png((64, 64)), "m": png((64, 64), 1)}
IMAGE, MASK = (image_input(key, data) for key, data in INPUTS.items())


@pytest.mark.parametrize(
    ("model", "route"),
    [
        ("stable-image-core", "generate/core"),
        ("stable-image-ultra", "generate/ultra"),
        ("sd3.5-flash", "generate/sd3"),
    ],
)
async def test_text_becomes_an_image(model, route):
    """A form without any file is multipart, too."""
    with FakeStability() as server:
        async with Bench(server) as bench:
            result = await bench.make(generate(seed=7, aspect_ratio="16:9", negative_prompt="dog"), model)

            assert [server.image] == await bytes_of(result)
            assert {"finish_reason": "SUCCESS", "seed": 7} == dict(result.images[0].metadata)
            assert [route] == [name for name, _ in server.ledger]
            assert "猫" == server.ledger[0][1]["prompt"]


@pytest.mark.parametrize(
    ("request_", "model", "route"),
    [
        (
            ImageRequest(operation=Operation.REFERENCE, prompt="猫", references=(IMAGE,)),
            "sd3.5-large",
            "generate/sd3",
        ),
        (
            ImageRequest(operation=Operation.REFERENCE, prompt="猫", references=(IMAGE,)),
            "stable-image-ultra",
            "generate/ultra",
        ),
        (
            ImageRequest(operation=Operation.EDIT, prompt="猫", image=IMAGE, mask=MASK),
            None,
            "edit/inpaint",
        ),
        (
            ImageRequest(operation=Operation.EDIT, prompt="猫", image=IMAGE, params={"search_prompt": "狗"}),
            None,
            "edit/search-and-replace",
        ),
        (ImageRequest(operation=Operation.UPSCALE, image=IMAGE), None, "upscale/fast"),
        (
            ImageRequest(
                operation=Operation.UPSCALE,
                prompt="猫",
                image=IMAGE,
                params={"upscale_mode": "conservative"},
            ),
            None,
            "upscale/conservative",
        ),
        (
            ImageRequest(
                operation=Operation.UPSCALE, prompt="猫", image=IMAGE, params={"upscale_mode": "creative"}
            ),
            None,
            "upscale/creative",
        ),
        (
            ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE),
            None,
            "edit/replace-background-and-relight",
        ),
    ],
)
async def test_each_operation_on_an_image_is_accepted_by_its_route(request_, model, route):
    """The request follows Stability's rules, and one call is charged."""
    with FakeStability() as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            result = await bench.make(request_, model)

            assert [server.image] == await bytes_of(result)
            assert [route] == [name for name, _ in server.ledger]


@pytest.mark.parametrize("field", ["result", "image"])
async def test_a_job_is_polled_every_ten_seconds_until_it_is_done(field):
    """Both names of the image field are accepted."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE)
    with FakeStability(polls_until_done=3, result_field=field) as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            result = await bench.make(request)

            assert [server.image] == await bytes_of(result)
            assert [10.0] * 4 == bench.waits
            assert 1 == len(server.ledger)


async def test_a_job_is_polled_on_through_trouble():
    """Polling is free: after a minute of penalty, after Retry-After, else as always."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE)
    with FakeStability(polls_until_done=0) as server:
        server.poll_faults += [
            Answer(fault="drop"),
            server.error(500, "internal_error", "oops"),
            server.error(429, "rate_limit_exceeded", "slow"),
            server.error(429, "rate_limit_exceeded", "slow", Retry_After="70"),
            Answer(fault="cut", body=b"{" * 1000),
        ]
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            result = await bench.make(request)

            assert [server.image] == await bytes_of(result)
            assert [10.0, 10.0, 10.0, 60.0, 70.0, 10.0] == bench.waits


async def test_what_is_not_the_upstreams_word_ends_no_job():
    """Pages, redirects and encodings of a proxy do not end a job, nor do two refusals of the key."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE)
    page, html = b"<html>sign in</html>", {"Content-Type": "text/html"}
    with FakeStability(polls_until_done=0) as server:
        server.poll_faults += [
            Answer(status=200, body=page, headers={"Content-Encoding": "br"}),
            Answer(status=200, body=page, headers={"Content-Encoding": "gzip"}),
            Answer(status=200, body=page, headers=html),
            Answer(status=302, body=b"", headers={"Location": "https://login.example/"}),
            *(
                Answer(status=status, body=page, headers={"Content-Type": "text/html"})
                for status in (400, 401, 403, 404, 407)
            ),
            server.error(401, "unauthorized", "no"),
            server.error(401, "unauthorized", "no"),
        ]
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            result = await bench.make(request)

            assert [server.image] == await bytes_of(result)
            assert 1 == len(server.ledger)


async def test_a_job_is_asked_for_again_before_its_time_is_over():
    """A Retry-After beyond the deadline of the job does not lose the image."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE)
    with FakeStability(polls_until_done=0) as server:
        server.poll_faults.append(server.error(429, "rate_limit_exceeded", "slow", Retry_After="86400"))
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            result = await bench.make(request)

            assert [server.image] == await bytes_of(result)
            assert [10.0, 890.0] == bench.waits


async def test_a_job_is_found_by_its_id_after_a_restart():
    """Another provider object polls what the first one submitted."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="海边", image=IMAGE)
    with FakeStability() as server:
        async with Bench(server) as first, Bench(server) as second:
            first.exchange.inputs |= INPUTS
            job = await first.provider.submit(first.call(request), first.exchange)
            receipt = await second.provider.poll(
                second.call(request), UpstreamJob(id=job.id), second.exchange
            )

            assert isinstance(receipt, Receipt)
            assert 1 == len(server.ledger)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (FakeStability.error(404, "not_found", "no such result"), "result_expired"),
        (FakeStability.error(403, "content_moderation", "flagged"), "content_policy"),
        (FakeStability.error(401, "unauthorized", "no"), "auth_failed"),
        (FakeStability.error(400, "bad_request", "no"), "rejected"),
    ],
)
async def test_a_job_that_ends_badly_ends_the_polling(response, expected):
    """The provider's answer is final."""
    with FakeStability() as server:
        server.poll_faults += [response] * MAX_REFUSALS
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            error = await bench.failing(ImageRequest(operation=Operation.RECONTEXT, prompt="x", image=IMAGE))

            assert expected == error.failure.code


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (FakeStability.error(400, "bad_request", "seed: no", "x"), ("rejected", False, None, "seed: no; x")),
        (
            FakeStability.error(402, "payment_required", "no credits"),
            ("quota_exhausted", False, None, "no credits"),
        ),
        (FakeStability.error(403, "content_moderation", "flag"), ("content_policy", False, None, "flag")),
        (FakeStability.error(429, "rate_limit_exceeded", "slow"), ("rate_limited", True, 60.0, "slow")),
        (FakeStability.error(500, "internal_error", "oops"), ("outcome_unknown", False, None, "oops")),
        (
            attrs.evolve(
                FakeStability.error(429, "rate_limit_exceeded", "slow"), headers={"retry-after": "0"}
            ),
            ("rate_limited", True, 60.0, "slow"),
        ),
        (Answer.json({"error": "no route"}, 404), ("rejected", False, None, "no route")),
        (Answer.json({"error": {"message": "too big"}}, 413), ("rejected", False, None, "too big")),
    ],
)
async def test_each_refusal_has_its_code_and_is_sent_once(response, expected):
    """The message is Stability's own, or that of a proxy before it."""
    with FakeStability() as server:
        server.faults.append(response)
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            failure = error.failure
            assert expected == (failure.code, error.not_started, error.retry_after, failure.message)
            assert 1 == len(server.calls)


async def test_a_wrong_key_is_never_in_the_message():
    """Neither the task's error nor a probe contains it."""
    with FakeStability() as server:
        async with Bench(server, key="sk-wrong-000000000") as bench:
            error = await bench.failing(generate())
            probe = await bench.provider.probe(bench.config)

            assert ("auth_failed", False) == (error.failure.code, probe.ok)
            assert "sk-wrong" not in f"{error.failure.message}{probe.detail}"


async def test_a_key_that_comes_back_without_an_image_is_not_in_the_message():
    """The rest of what the provider says is."""
    with FakeStability() as server:
        server.faults.append(Answer.json({"message": f"{server.key} has no images"}))
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            assert "bad_response" == error.failure.code
            assert error.failure.message.endswith("**** has no images")


async def test_a_filtered_image_is_not_kept():
    """It is blurred, and may have been charged."""
    with FakeStability() as server:
        server.filtered = True
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            assert ("content_policy", True) == (error.failure.code, error.failure.possible_charge)


@pytest.mark.parametrize("size_bytes", [11 * 1024 * 1024, None])
async def test_more_than_ten_megabytes_are_not_sent(size_bytes):
    """Whether the input is too large, or only the finished form."""
    data = INPUTS["p"] + bytes(0 if size_bytes else 10 * 1024 * 1024 - len(INPUTS["p"]))
    image = image_input("big", data, size_bytes)
    with FakeStability() as server:
        async with Bench(server) as bench:
            bench.exchange.inputs["big"] = data
            error = await bench.failing(ImageRequest(operation=Operation.UPSCALE, image=image))

            assert ("rejected", []) == (error.failure.code, server.calls)


@pytest.mark.parametrize("id_", ["", "../../v1/user/account", 7, None])
async def test_a_job_id_that_is_none_is_a_bad_response(id_):
    """It would become part of a URL."""
    with FakeStability() as server:
        server.faults.append(Answer.json({"id": id_}))
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            error = await bench.failing(ImageRequest(operation=Operation.RECONTEXT, prompt="x", image=IMAGE))

            assert "bad_response" == error.failure.code


async def test_several_images_are_several_calls_with_seeds_that_count_up():
    """Stability returns one image per call."""
    with FakeStability() as server:
        async with Bench(server) as bench:
            call = bench.call(generate(num=3, seed=5))
            parts = bench.provider.split(call.request, call.model, bench.config)

            assert [(1, 5), (1, 6), (1, 7)] == [(part.num, part.seed) for part in parts]


async def test_a_job_that_is_never_done_times_out():
    """After a quarter of an hour."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="x", image=IMAGE)
    with FakeStability(polls_until_done=10**9) as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= INPUTS
            error = await bench.failing(request)

            assert ("timeout", True) == (error.failure.code, error.failure.possible_charge)
            assert 900.0 == sum(bench.waits)


async def test_a_probe_names_the_balance():
    """It costs nothing."""
    with FakeStability() as server:
        async with Bench(server) as bench:
            probe = await bench.provider.probe(bench.config)

            assert (True, "12.5 credits left", []) == (probe.ok, str(probe.detail), server.ledger)


async def test_an_endless_balance_is_not_taken():
    """The probe reports the problem without filling the memory."""
    with FakeStability() as server:
        server._answer = lambda _: Answer(fault="flood")
        async with Bench(server) as bench:
            probe = await bench.provider.probe(bench.config)
            ended = await asyncio.to_thread(server.floods.get)

            assert ("refused", False) == (ended, probe.ok)


def test_core_takes_no_reference():
    """Only ultra and the SD3 family take references."""
    with FakeStability() as server:
        models = {m.id: m for m in Bench(server).provider.describe(Bench(server).config).models}

    assert [False, True, True] == [
        Operation.REFERENCE in models[name].operations
        for name in ("stable-image-core", "stable-image-ultra", "sd3.5-large")
    ]
