"""The A1111 dialect against a WebUI on loopback."""

import asyncio
import base64
import io

import pytest
from PIL import Image

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.images import MediaType
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import MemoryExchange, ProviderContract
from tests.fakes.a1111 import FakeA1111, png
from tests.fakes.loopback import Answer
from tests.integration.providers.diffusion_bench import DiffusionBench, bytes_of, generate, image_input

pytestmark = pytest.mark.anyio

AUTH = "alice:correct-horse"


def config(server, **changes):
    fields = {"provider_name": "sd", "source": ConfigSource.DATABASE, "kind": "stable_diffusion"}
    return ProviderConfig(**{**fields, "api_base": server.url, "timeout_seconds": 120.0, **changes})


class TestContract(ProviderContract):
    """The contract of every provider."""

    test_a_refusal_says_so = None
    """A WebUI has no content policy."""

    @pytest.fixture
    def server(self):
        with FakeA1111(auth=AUTH, grid=True) as server:
            yield server

    @pytest.fixture
    async def provider(self, anyio_backend, server):
        outbound = Outbound(allow_private=[server.host])
        yield StableDiffusionProvider(outbound, clock=ManualClock())
        await outbound.aclose()

    @pytest.fixture
    def config(self, server):
        return config(server, api_key=Secret(AUTH))


class Exchange(MemoryExchange):
    """Signals when progress was reported."""

    def __init__(self):
        super().__init__()
        self.reported = asyncio.Event()

    async def progress(self, fraction):
        await super().progress(fraction)
        self.reported.set()


class Bench(DiffusionBench):
    """Progress is polled at once."""

    def __init__(self, server, **changes):
        super().__init__(server, config(server, **changes), exchange=Exchange(), progress_seconds=0.01)


def with_image(operation, mask=None, **params):
    data = {"p": png((96, 64)), **({"m": mask} if mask else {})}
    inputs = {key: image_input(key, value) for key, value in data.items()}
    source = {"references": (inputs["p"],)} if operation is Operation.REFERENCE else {"image": inputs["p"]}
    request = ImageRequest(operation=operation, prompt="猫", params=params, mask=inputs.get("m"), **source)
    return request, data


@pytest.mark.parametrize("flavour", ["a1111", "forge", "sdnext"])
async def test_text_becomes_images_with_their_seeds(flavour):
    """One paid call for all images, without the grid and what extensions append."""
    with FakeA1111(flavour=flavour, grid=True, extra_maps=1) as server:
        async with Bench(server) as bench:
            result = await bench.make(generate(num=2, seed=7, width=1024, height=768))

            assert [png((128, 96), 7), png((128, 96), 8)] == await bytes_of(result)
            assert [
                {"model": "sd-1.5", "model_hash": "6ce0161689", "sampler_name": "Euler a", "seed": seed}
                for seed in (7, 8)
            ] == [dict(p.metadata) for p in result.images]
            assert 1 == len(server.ledger)


async def test_images_keep_the_servers_encoding():
    """A WebUI may be configured for JPEG; nothing assumes PNG."""
    with FakeA1111(image_format="JPEG") as server:
        async with Bench(server) as bench:
            images = await bytes_of(await bench.make(generate()))

            assert [MediaType.JPEG] == [MediaType.sniff(data) for data in images]


async def test_images_can_be_read_again():
    """A restart decodes the spooled response again, for free."""
    with FakeA1111() as server:
        async with Bench(server) as bench:
            result = await bench.make(generate())

            assert await bytes_of(result) == await bytes_of(result)
            assert 1 == len(server.ledger)


async def test_a_reference_is_repainted():
    """img2img with the image and its own size."""
    request, inputs = with_image(Operation.REFERENCE, denoising_strength=0.4)
    with FakeA1111() as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= inputs
            await bench.make(request)

            name, body = server.ledger[0]
            assert ("img2img", inputs["p"], 96, 64, 0.4) == (
                name,
                base64.b64decode(body["init_images"][0]),
                body["width"],
                body["height"],
                body["denoising_strength"],
            )


async def test_an_edit_sends_the_mask_in_the_servers_words():
    """A transparent mask becomes a white one."""
    mask = Image.new("RGBA", (96, 64), (0, 0, 0, 255))
    mask.putpixel((5, 5), (0, 0, 0, 0))
    out = io.BytesIO()
    mask.save(out, "PNG")
    request, inputs = with_image(Operation.EDIT, mask=out.getvalue())
    with FakeA1111() as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= inputs
            await bench.make(request)

            mask = Image.open(io.BytesIO(base64.b64decode(server.ledger[0][1]["mask"])))
            assert ("L", 255, 0) == (mask.mode, mask.getpixel((5, 5)), mask.getpixel((6, 6)))


async def test_upscaling_makes_the_image_larger():
    """extra-single-image returns one image and no info."""
    request, inputs = with_image(Operation.UPSCALE, upscale_factor="x4")
    with FakeA1111() as server:
        async with Bench(server) as bench:
            bench.exchange.inputs |= inputs
            result = await bench.make(request)

            assert (384, 256) == Image.open(io.BytesIO((await bytes_of(result))[0])).size


async def test_a_user_and_a_password_are_basic_authentication():
    """Progress requests and probes carry the key, too."""
    with FakeA1111(auth=AUTH) as server:
        async with Bench(server, api_key=Secret(AUTH)) as bench:
            await bench.make(generate())

            assert 1 == len(server.ledger)
            assert (await bench.provider.probe(bench.config)).ok


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (Answer.sample("a1111", "unauthorized", detail="Unauthorized"), ("auth_failed", False, None)),
        (
            Answer.sample("a1111", "limited", headers={"Retry-After": "3"}),
            ("rate_limited", True, 3.0),
        ),
        (
            Answer.sample("a1111", "crashed", error="ValueError", reason="boom"),
            ("outcome_unknown", False, None),
        ),
        (Answer(fault="drop"), ("outcome_unknown", False, None)),
        (Answer(fault="cut", body=b"{" * 100_000), ("outcome_unknown", False, None)),
        (Answer(body=b"<html>"), ("bad_response", False, None)),
        (Answer.sample("a1111", "images", image=(), info="{}"), ("bad_response", False, None)),
        (Answer.json({"images": None}), ("bad_response", False, None)),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), ("rejected", False, None)),
    ],
)
async def test_each_bad_end_has_its_code(response, expected):
    """And no second request is sent."""
    with FakeA1111() as server:
        server.faults.append(response)
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            assert expected == (error.failure.code, error.not_started, error.retry_after)
            assert 1 == server.calls.count(("POST", "/sdapi/v1/txt2img"))


@pytest.mark.parametrize(
    ("flavour", "message"),
    [("a1111", "CUDA out of memory."), ("forge", "Internal Server Error"), ("sdnext", "CUDA out of memory.")],
)
async def test_a_crash_is_an_unknown_outcome(flavour, message):
    """The call had started; the message is read from each server's format."""
    with FakeA1111(flavour=flavour) as server:
        server.faults.append("crash")
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            assert ("outcome_unknown", message) == (error.failure.code, error.failure.message)


@pytest.mark.parametrize("flavour", ["a1111", "forge", "sdnext"])
async def test_a_wrong_sampler_is_a_refusal(flavour):
    """404 from one, 400 from another; never charged."""
    with FakeA1111(flavour=flavour) as server:
        async with Bench(server) as bench:
            error = await bench.failing(generate(sampler_name="Heun"))

            assert ("rejected", "Sampler not found", []) == (
                error.failure.code,
                error.failure.message,
                server.ledger,
            )


async def test_a_server_that_is_off_was_not_started():
    """The call may be sent again."""
    with FakeA1111() as server:
        bench = Bench(server)
    error = await bench.failing(generate())
    await bench.outbound.aclose()

    assert ("unavailable", True) == (error.failure.code, error.not_started)


async def test_a_server_that_stays_silent_times_out():
    """It may still be generating; half of the time is enough to connect on a busy machine."""
    with FakeA1111() as server:
        server.hold.clear()
        async with Bench(server, timeout_seconds=5) as bench:
            error = await bench.failing(generate())

            assert ("timeout", False) == (error.failure.code, error.not_started)


async def test_progress_is_reported_while_the_call_runs():
    """It is requested in parallel to the call."""
    with FakeA1111() as server:
        server.hold.clear()
        async with Bench(server) as bench:
            running = asyncio.create_task(bench.make(generate()))
            await bench.exchange.reported.wait()
            server.hold.set()
            await running

            assert [0.5] == bench.exchange.progress_reports


async def test_trouble_with_progress_does_not_harm_the_call():
    """A rate limiter or a proxy may refuse it."""
    with FakeA1111() as server:
        server.hold.clear()
        server._progress = lambda _: server.progress_asked.set() or Answer(status=429, body=b"no")
        async with Bench(server) as bench:
            running = asyncio.create_task(bench.make(generate()))
            await asyncio.to_thread(server.progress_asked.wait)
            server.hold.set()

            assert 1 == len((await running).images)


async def test_an_endless_answer_about_progress_is_not_taken():
    """The call continues, and the oversized response does not fill the memory."""
    with FakeA1111() as server:
        server.hold.clear()
        server._progress = lambda _: Answer(fault="flood")
        async with Bench(server) as bench:
            running = asyncio.create_task(bench.make(generate()))
            ended = await asyncio.to_thread(server.floods.get)
            server.hold.set()

            assert ("refused", 1) == (ended, len((await running).images))


async def test_of_an_error_no_more_than_its_start_is_read():
    """A reason after 64 KiB is none."""
    with FakeA1111() as server:
        server.faults.append(Answer(status=500, body=b" " * 64 * 1024 + b'{"detail": "late"}'))
        async with Bench(server) as bench:
            error = await bench.failing(generate())

            assert ("outcome_unknown", 500) == (error.failure.code, error.failure.upstream_status)
            assert "late" not in error.failure.message


async def test_an_endless_answer_to_a_probe_is_not_taken():
    """The probe reports the problem."""
    with FakeA1111() as server:
        server._answer = lambda _: Answer(fault="flood")
        async with Bench(server) as bench:
            probe = await bench.provider.probe(bench.config)
            ended = await asyncio.to_thread(server.floods.get)

            assert ("refused", False) == (ended, probe.ok)
            assert "the provider's response is longer than 1048576 bytes" == str(probe.detail)


@pytest.mark.parametrize("flavour", ["a1111", "sdnext"])
async def test_a_cancelled_call_is_interrupted_and_keeps_what_arrives(flavour):
    """The metadata mark the image as partial."""
    with FakeA1111(flavour=flavour) as server:
        server.hold.clear()
        async with Bench(server) as bench:
            running = asyncio.create_task(bench.make(generate()))
            await asyncio.to_thread(server.begun.wait)
            await bench.provider.cancel(bench.call(generate()), None)
            result = await running

            assert [True] == [image.metadata["interrupted"] for image in result.images]


async def test_somebody_elses_job_is_not_interrupted():
    """The server works on another call while ours waits."""
    with FakeA1111() as server:
        server.hold.clear()
        async with Bench(server) as bench:
            running = asyncio.create_task(bench.make(generate()))
            await asyncio.to_thread(server.begun.wait)
            server.current_task = "somebody-else"
            await bench.provider.cancel(bench.call(generate()), None)
            server.hold.set()
            await running

            assert ("POST", "/sdapi/v1/interrupt") not in server.calls


async def test_a_call_that_is_over_is_not_interrupted():
    """Interrupting would hit the next call."""
    with FakeA1111() as server:
        async with Bench(server) as bench:
            await bench.make(generate())
            await bench.provider.cancel(bench.call(generate()), None)

            assert ("POST", "/sdapi/v1/interrupt") not in server.calls


async def test_a_probe_names_the_loaded_checkpoint():
    """It costs nothing."""
    with FakeA1111() as server:
        async with Bench(server) as bench:
            probe = await bench.provider.probe(bench.config)

            assert (True, "1 checkpoints, loaded: sd-1.5.safetensors [6ce0161689]") == (
                probe.ok,
                str(probe.detail),
            )
            assert [] == server.ledger


async def test_a_probe_of_a_server_that_is_off_says_so():
    """It returns a failure instead of raising."""
    with FakeA1111() as server:
        bench = Bench(server)
    probe = await bench.provider.probe(bench.config)
    await bench.outbound.aclose()

    assert not probe.ok


def test_a_configuration_without_models_offers_the_loaded_checkpoint():
    """A configuration with models offers those."""
    with FakeA1111() as server:
        bench = Bench(server)
        named = config(
            server, models=(ModelEntry(id="xl", capabilities=(Operation.GENERATE, Operation.SEGMENT)),)
        )

        profiles = [bench.provider.describe(c) for c in (bench.config, named)]

    assert [["default"], ["xl"]] == [[m.id for m in p.models] for p in profiles]
    assert (Operation.GENERATE,) == profiles[1].models[0].operations
    assert (False, 1, "http://127.0.0.1:7860") == (
        profiles[0].needs_api_key,
        profiles[0].max_concurrency,
        profiles[0].default_api_base,
    )


@pytest.mark.parametrize(
    "extra", [{"dialect": "comfy"}, {"headers": {"X": 1}}, {"upscaler": 4}, {"allow_scripts": "all"}]
)
def test_a_wrong_extra_config_is_refused_with_its_path(extra):
    """The error comes before it is saved."""
    with FakeA1111() as server:
        bench = Bench(server)

    with pytest.raises(ValidationFailed, match=f"extra_config.{next(iter(extra))}"):
        bench.provider.describe(config(server, extra_config=extra))
