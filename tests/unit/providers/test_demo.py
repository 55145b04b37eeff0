"""The provider that draws."""

import asyncio
import io

import attrs
import pytest
from PIL import Image

from imagegen_adapters.providers.demo.drawing import motifs_in
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.system import SystemClock
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.models import check_request, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from tests.contracts.clock import ManualClock
from tests.contracts.provider import (
    INPUTS,
    MemoryExchange,
    ProviderContract,
    image_file,
    input_image,
    read,
    request_for,
    run_call,
)

pytestmark = pytest.mark.anyio

CONFIG = ProviderConfig(provider_name="demo", source=ConfigSource.FILE, kind="demo")
SMALL = {"width": 64, "height": 48}


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def provider(clock):
    return DemoProvider(clock)


def call_for(provider, request=None, *, call_id="call-1", config=CONFIG, **params):
    """A call of the default model; a small image unless the request is given."""
    request = request or request_for(Operation.GENERATE, **{**SMALL, **params})
    model = choose_model(provider.describe(config).models, None)
    check_request(request, model)
    return ProviderCall(call_id=call_id, request=request, model=model, config=config)


async def drawn(provider, call, exchange=None):
    """The first image's bytes and metadata."""
    result = await run_call(provider, call, exchange or MemoryExchange(INPUTS))
    return await read(result.images[0]), dict(result.images[0].metadata)


def opened(data):
    return Image.open(io.BytesIO(data))


class TestDemoProvider(ProviderContract):
    """It keeps the port's contract."""

    @pytest.fixture
    def provider(self, provider):
        return provider

    @pytest.fixture
    def config(self):
        return CONFIG

    def rejected_request(self):
        return request_for(Operation.GENERATE, refuse=True)


class TestDemoProviderWithJobs(TestDemoProvider):
    """It keeps the contract when it accepts jobs."""

    params = {"as_job": True, "delay_seconds": 30}  # noqa: RUF012 - nobody changes it

    def rejected_request(self):
        return request_for(Operation.GENERATE, refuse=True, as_job=True)


class TestImages:
    """Generating images."""

    async def test_is_repeatable(self, provider):
        """The same prompt and seed give the same file, another seed another one."""
        first, again, other = [
            (await drawn(provider, call_for(provider, seed=seed, call_id=f"call-{n}")))[0]
            for n, seed in enumerate((7, 7, 8))
        ]

        assert first == again
        assert first != other

    async def test_two_calls_without_a_seed_differ(self, provider):
        """Without a seed each call draws another image and reports the seed that reproduces it."""
        first, metadata = await drawn(provider, call_for(provider, call_id="a"))
        second, _ = await drawn(provider, call_for(provider, call_id="b"))
        again, _ = await drawn(provider, call_for(provider, seed=metadata["seed"], call_id="c"))

        assert first != second
        assert first == again
        assert metadata["demo"] is True

    async def test_seeds_count_up(self, provider):
        """The second image of a call equals the first one of the next seed."""
        both = await run_call(provider, call_for(provider, seed=7, num=2), MemoryExchange())
        next_one, _ = await drawn(provider, call_for(provider, seed=8))

        assert next_one == await read(both.images[1])

    @pytest.mark.parametrize(
        ("params", "size"),
        [
            ({}, (512, 512)),
            ({"width": 300, "height": 200}, (300, 200)),
            ({"size": "300x200"}, (300, 200)),
            ({"size": "auto"}, (512, 512)),
            ({"width": 300}, (300, 512)),
            ({"aspect_ratio": "16:9"}, (683, 384)),
            ({"aspect_ratio": "9:16", "image_size": "1K"}, (576, 1024)),
            ({"width": 1, "height": 1}, (1, 1)),
            ({"width": 2048, "height": 1}, (2048, 1)),
        ],
    )
    async def test_has_the_size_asked_for(self, provider, params, size):
        """All ways to set a size are understood."""
        data, _ = await drawn(provider, call_for(provider, request_for(Operation.GENERATE, **params)))

        assert size == opened(data).size

    @pytest.mark.parametrize("size", ["4096x4096", "0x5", "big"])
    async def test_refuses_a_size_it_cannot_draw(self, provider, size):
        """A size that cannot be drawn is refused, naming the parameter."""
        call = call_for(provider, request_for(Operation.GENERATE, size=size))

        with pytest.raises(ValidationFailed, match=r"params\.size"):
            provider.split(call.request, call.model, call.config)
        with pytest.raises(CallError, match=r"params\.size") as caught:
            await drawn(provider, call)

        assert FailureCode.REJECTED == caught.value.failure.code

    @pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
    async def test_file_says_that_it_is_a_demo(self, provider, format):
        """Each file format carries the label."""
        data, _ = await drawn(provider, call_for(provider, format=format))

        assert format.upper() == opened(data).format
        assert b"imagegen demo" in data

    @pytest.mark.parametrize("prompt", ["猫", "a cat", "山", "海", "月 星", "夜 雪山 湖 猫", "☃"])
    async def test_words_are_drawn(self, provider, prompt):
        """Any prompt is drawn, with the motifs that it names."""
        plain = attrs.evolve(request_for(Operation.GENERATE, **SMALL, seed=1), prompt="")
        worded = attrs.evolve(plain, prompt=prompt)

        images = [(await drawn(provider, call_for(provider, request)))[0] for request in (plain, worded)]

        assert images[0] != images[1]


@pytest.mark.parametrize(
    ("prompt", "motifs"),
    [
        ("Two cats, starry night", ("night", "cat")),
        ("a delicate prose", ()),
        ("雪山下的貓", ("mountain", "cat")),
    ],
)
def test_motifs_are_found_by_whole_words(prompt, motifs):
    """Latin words count only as a whole, Chinese ones anywhere."""
    assert motifs == motifs_in(prompt)


class TestOperations:
    """Operations on the caller's images."""

    async def test_edit_keeps_what_is_black_in_the_mask(self, provider):
        """The white half is repainted, the black one stays."""
        mask = Image.new("L", (64, 48))
        mask.paste(255, (0, 0, 32, 48))
        buffer = io.BytesIO()
        mask.save(buffer, "PNG")
        exchange = MemoryExchange({**INPUTS, "half": buffer.getvalue()})
        request = attrs.evolve(request_for(Operation.EDIT), mask=input_image("half", buffer.getvalue()))

        data, _ = await drawn(provider, call_for(provider, request), exchange)

        unmasked, changed = opened(data).crop((32, 0, 64, 48)), opened(data).crop((0, 0, 32, 48))
        assert [(32 * 48, (255, 165, 0))] == unmasked.getcolors()
        assert [(32 * 48, (255, 165, 0))] != changed.getcolors()

    async def test_edit_refuses_a_mask_of_another_size(self, provider):
        """A mask whose size differs from the image is rejected."""
        wrong = image_file("white", (10, 10))
        request = attrs.evolve(request_for(Operation.EDIT), mask=input_image("wrong", wrong))

        with pytest.raises(CallError, match="mask") as caught:
            await drawn(provider, call_for(provider, request), MemoryExchange({**INPUTS, "wrong": wrong}))

        assert FailureCode.REJECTED == caught.value.failure.code

    @pytest.mark.parametrize(("factor", "size"), [("x2", (128, 96)), ("x4", (256, 192))])
    async def test_upscale_enlarges(self, provider, factor, size):
        """The image becomes two or four times as wide and high."""
        request = request_for(Operation.UPSCALE, upscale_factor=factor)

        data, _ = await drawn(provider, call_for(provider, request))

        assert size == opened(data).size

    async def test_upscale_has_a_limit(self, provider):
        """An image that would become too large is rejected before anything is read."""
        large = attrs.evolve(request_for(Operation.UPSCALE).image, width=3000)
        request = attrs.evolve(request_for(Operation.UPSCALE), image=large)

        call = call_for(provider, request)

        with pytest.raises(ValidationFailed, match=r"image: .*4096"):
            provider.split(call.request, call.model, call.config)

    async def test_segment_gives_a_mask(self, provider):
        """Pixels that differ from the border become white, all others black."""
        image = Image.new("RGB", (60, 60), "white")
        image.paste("navy", (20, 20, 40, 40))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        request = attrs.evolve(
            request_for(Operation.SEGMENT), image=input_image("square", buffer.getvalue()), prompt=""
        )

        data, _ = await drawn(
            provider, call_for(provider, request), MemoryExchange({"square": buffer.getvalue()})
        )

        mask = opened(data).convert("L")
        assert (255, 0) == (mask.getpixel((30, 30)), mask.getpixel((5, 5)))

    async def test_recontext_shows_the_image(self, provider):
        """The caller's image is in the centre of the new one."""
        data, _ = await drawn(provider, call_for(provider, request_for(Operation.RECONTEXT)))

        assert (255, 165, 0) == opened(data).getpixel((256, 256))

    async def test_references_colour_the_image(self, provider):
        """Other references give another image of the same scene."""
        other = {"reference": image_file("red")}

        with_teal, _ = await drawn(provider, call_for(provider, request_for(Operation.REFERENCE, seed=1)))
        with_red, _ = await drawn(
            provider, call_for(provider, request_for(Operation.REFERENCE, seed=1)), MemoryExchange(other)
        )

        assert with_teal != with_red


class TestBehaviour:
    """Simulating a real provider."""

    async def test_takes_its_time(self, provider, clock):
        """A call takes the requested time, and reports its progress."""
        exchange = MemoryExchange()

        await provider.submit(call_for(provider, delay_seconds=30, progress_steps=4), exchange)

        assert 30 == clock.monotonic()
        assert [0.25, 0.5, 0.75, 1.0] == exchange.progress_reports

    async def test_times_out_as_an_upstream_would(self, provider, clock):
        """A synchronous call that takes longer than the configuration allows ends as a time-out."""
        impatient = attrs.evolve(CONFIG, timeout_seconds=10)

        with pytest.raises(CallError) as caught:
            await provider.submit(call_for(provider, config=impatient, delay_seconds=30), MemoryExchange())

        assert (FailureCode.TIMEOUT, 10) == (caught.value.failure.code, clock.monotonic())

    async def test_a_job_is_resumed(self, clock):
        """Polling a job that another process accepted waits only for the remaining time."""
        first, second = DemoProvider(clock), DemoProvider(clock)
        call = call_for(first, delay_seconds=300, as_job=True)
        job = await first.submit(call, MemoryExchange())
        before = clock.monotonic()
        clock.advance(290)

        receipt = await second.poll(call, UpstreamJob(id=job.id, data=dict(job.data)), MemoryExchange())

        assert isinstance(receipt, Receipt)
        assert 300 == clock.monotonic() - before

    async def test_a_job_without_a_start_is_unknown(self, provider):
        """An unknown job counts as expired."""
        with pytest.raises(CallError) as caught:
            await provider.poll(call_for(provider), UpstreamJob(id="x"), MemoryExchange())

        assert FailureCode.RESULT_EXPIRED == caught.value.failure.code

    @pytest.mark.parametrize("as_job", [False, True])
    async def test_cancelling_ends_the_wait(self, as_job):
        """A call that would take ten minutes ends at once when it is cancelled."""
        provider, exchange = DemoProvider(SystemClock()), MemoryExchange()
        call = call_for(provider, delay_seconds=600, as_job=as_job)
        config = attrs.evolve(CONFIG, timeout_seconds=600)
        call = attrs.evolve(call, config=config)
        job = await provider.submit(call, exchange) if as_job else None
        waiting = provider.poll(call, job, exchange) if as_job else provider.submit(call, exchange)
        running = asyncio.create_task(waiting)
        await asyncio.sleep(0)  # runs until it waits

        await provider.cancel(call, job)
        with pytest.raises(CallError) as caught:
            await running

        assert FailureCode.CANCELLED == caught.value.failure.code

    async def test_cancelling_before_the_first_poll(self, provider):
        """Polling a job that is cancelled already returns at once."""
        call = call_for(provider, delay_seconds=600, as_job=True)
        job = await provider.submit(call, MemoryExchange())
        await provider.cancel(call, job)

        with pytest.raises(CallError) as caught:
            await provider.poll(call, job, MemoryExchange())

        assert FailureCode.CANCELLED == caught.value.failure.code

    @pytest.mark.parametrize(
        ("code", "not_started", "retry_after"),
        [
            ("rate_limited", True, 1.0),
            ("unavailable", True, None),
            ("outcome_unknown", False, None),
            ("auth_failed", False, None),
            ("result_expired", False, None),
        ],
    )
    async def test_fails_as_told(self, provider, code, not_started, retry_after):
        """Every way in which a provider's call can end can be requested."""
        with pytest.raises(CallError) as caught:
            await provider.submit(call_for(provider, fail=code), MemoryExchange())

        error = caught.value
        assert (code, not_started, retry_after) == (error.failure.code, error.not_started, error.retry_after)

    @pytest.mark.parametrize(
        "params", [{"delay_seconds": 601}, {"progress_steps": -1}, {"fail": "no"}, {"x": 1}]
    )
    def test_parameters_have_ranges(self, provider, params):
        """Values out of range and unknown parameters are refused before the call."""
        with pytest.raises(ValidationFailed):
            call_for(provider, **params)

    async def test_a_receipt_without_images(self, provider):
        """A receipt of another provider cannot be read."""
        with pytest.raises(CallError) as caught:
            await provider.collect(call_for(provider), Receipt(data={"pictures": [1]}), MemoryExchange())

        assert FailureCode.BAD_RESPONSE == caught.value.failure.code

    def test_models_of_a_configuration(self, provider):
        """A configuration may define its own models and their operations."""
        entry = ModelEntry(id="sketch", default=True, capabilities=(Operation.GENERATE,))

        profile = provider.describe(attrs.evolve(CONFIG, models=(entry,)))

        assert [("sketch", (Operation.GENERATE,))] == [(m.id, m.operations) for m in profile.models]
        assert (False, False) == (profile.needs_api_base, profile.needs_api_key)
