"""The adapter of ComfyUI against an imitation of its server."""

import copy
import json
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.comfyui import JOB_SECONDS, ComfyUIProvider, report_of
from imagegen_adapters.providers.comfyui_workflow import default_workflow
from imagegen_core.attempt import UpstreamJob
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.messages import Language
from imagegen_core.models import choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, ProviderContract, read, request_for, run_call
from tests.fakes.comfyui import FakeComfyUI
from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.images import png

pytestmark = pytest.mark.anyio

GRAPH = copy.deepcopy(dict(default_workflow().graph))


def with_image(title="Source"):
    """Return a workflow that repaints an image, as it is exported."""
    graph = copy.deepcopy(GRAPH)
    del graph["5"]
    graph["10"] = {"class_type": "LoadImage", "_meta": {"title": title}, "inputs": {"image": "example.png"}}
    graph["11"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    graph["3"]["inputs"]["latent_image"] = ["11", 0]
    return graph


def with_mask():
    """Return one that repaints the part that a mask shows."""
    graph = with_image()
    graph["12"] = {"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "red"}}
    graph["13"] = {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["11", 0], "mask": ["12", 0]}}
    graph["3"]["inputs"]["latent_image"] = ["13", 0]
    return graph


def with_two_images():
    """Return one that takes two references."""
    graph = with_image()
    graph["20"] = {"class_type": "LoadImage", "inputs": {"image": "b.png"}}
    graph["21"] = {"class_type": "ImageBatch", "inputs": {"image1": ["10", 0], "image2": ["20", 0]}}
    graph["11"]["inputs"]["pixels"] = ["21", 0]
    return graph


@pytest.fixture
def fake():
    return FakeComfyUI()


@pytest.fixture
async def server(anyio_backend, fake):
    async with HttpServer(fake) as server:
        yield server
    assert [] == server.complaints


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def comfyui(anyio_backend, server, clock):
    outbound = Outbound(allow_private=[server.url.removeprefix("http://")])
    yield ComfyUIProvider(outbound, clock=clock)
    await outbound.aclose()


@pytest.fixture
def settings(server):
    return ProviderConfig(
        provider_name="comfyui",
        source=ConfigSource.DATABASE,
        kind="comfyui",
        api_base=server.url,
        timeout_seconds=120,  # no test waits for it
    )


@pytest.fixture
def provider(comfyui):
    return comfyui


@pytest.fixture
def config(settings):
    return settings


def configured(config, graph, **inputs):
    return attrs.evolve(
        config, extra_config={"workflow": graph, "inputs": {"prompt": "Prompt.inputs.text", **inputs}}
    )


def call_of(provider, config, request=None, call_id="call-1", model_id=None):
    model = choose_model(provider.describe(config).models, model_id)
    return ProviderCall(
        call_id=call_id, request=request or request_for(Operation.GENERATE), model=model, config=config
    )


async def result_of(provider, call):
    return await run_call(provider, call, MemoryExchange(INPUTS))


async def failure_of(provider, call, job=None):
    polled = result_of(provider, call) if job is None else provider.poll(call, job, MemoryExchange())
    with pytest.raises(CallError) as caught:
        await polled
    return caught.value.failure


class TestContract(ProviderContract):
    """The contract of every provider."""

    test_a_refusal_says_so = None
    """ComfyUI has no content policy."""

    @pytest.fixture
    def provider(self, comfyui):
        return comfyui

    @pytest.fixture
    def config(self, settings):
        return settings


class TestContractOfAnOldOne(TestContract):
    """The same with a ComfyUI without ``/api/jobs``."""

    @pytest.fixture
    def fake(self):
        return FakeComfyUI(old=True)


class TestWorkflows:
    """What a request becomes in the graph that ComfyUI gets."""

    async def test_the_shipped_one_takes_the_common_parameters(self, provider, config, fake):
        """What nobody asks for stays as it is exported."""
        params = {"negative_prompt": "fog", "width": 64, "height": 32, "num": 2, "steps": 4, "seed": 7}
        params |= {"cfg_scale": 3.5, "sampler_name": "dpmpp_2m"}
        result = await result_of(
            provider, call_of(provider, config, request_for(Operation.GENERATE, **params))
        )

        expected = copy.deepcopy(GRAPH)
        expected["3"]["inputs"] |= {"seed": 7, "steps": 4, "cfg": 3.5, "sampler_name": "dpmpp_2m"}
        expected["5"]["inputs"] |= {"width": 64, "height": 32, "batch_size": 2}
        expected["6"]["inputs"]["text"], expected["7"]["inputs"]["text"] = "一只可爱的猫", "fog"
        assert [expected] == fake.ledger
        assert [png(0), png(1)] == [await read(image) for image in result.images]

    async def test_a_model_is_the_checkpoint(self, provider, config, fake):
        """Of the models that are configured."""
        config = attrs.evolve(config, models=(ModelEntry(id="flux1-dev.safetensors"),))
        await result_of(provider, call_of(provider, config))

        assert "flux1-dev.safetensors" == fake.ledger[0]["4"]["inputs"]["ckpt_name"]

    async def test_size_is_width_and_height(self, provider, config, fake):
        """As callers of other providers say it."""
        await result_of(provider, call_of(provider, config, request_for(Operation.GENERATE, size="640x512")))

        assert (640, 512) == tuple(fake.ledger[0]["5"]["inputs"][side] for side in ("width", "height"))

    async def test_without_a_seed_it_is_a_random_one(self, provider, config, fake):
        """Recorded with the image, another one for each call, the same one after a restart."""
        results = [await result_of(provider, call_of(provider, config, call_id=name)) for name in "aba"]

        seeds = [graph["3"]["inputs"]["seed"] for graph in fake.ledger]
        assert seeds == [result.images[0].metadata["seed"] for result in results]
        assert seeds[0] == seeds[2] != seeds[1]

    async def test_any_input_can_be_a_parameter(self, provider, config):
        """Its type is that of what was exported; without a number of images each is a job."""
        config = configured(config, GRAPH, denoise="3.inputs.denoise", seed=[])
        model = choose_model(provider.describe(config).models, None)
        request = request_for(Operation.GENERATE, num=2)

        assert {"denoise": "number", "num": "integer"} == {p.name: p.type for p in model.parameters}
        assert 2 == len(provider.split(request, model, config))

    async def test_a_value_of_a_parameter_reaches_its_node(self, provider, config, fake):
        """Under the workflow's own name."""
        config = configured(config, GRAPH, denoise="3.inputs.denoise")
        await result_of(provider, call_of(provider, config, request_for(Operation.GENERATE, denoise=0.4)))

        assert 0.4 == fake.ledger[0]["3"]["inputs"]["denoise"]

    async def test_an_image_is_uploaded_before_the_job(self, provider, config, fake):
        """Its node loads it from ComfyUI's temporary folder, by a name that comes from the content."""
        config = configured(config, with_image(), image="Source.inputs.image")
        request = attrs.evolve(request_for(Operation.EDIT), mask=None)
        await result_of(provider, call_of(provider, config, request))

        name = f"imagegen/{request.image.sha256[:32]}.png [temp]"
        assert {name: INPUTS["image"]} == fake.files
        assert name == fake.ledger[0]["10"]["inputs"]["image"]

    async def test_a_mask_is_white_where_it_is_repainted(self, provider, config, fake):
        """For the red channel of LoadImageMask."""
        config = configured(
            config, with_mask(), image="Source.inputs.image", mask="LoadImageMask.inputs.image"
        )
        await result_of(provider, call_of(provider, config, request_for(Operation.EDIT)))

        assert 2 == len(fake.files)
        assert fake.ledger[0]["12"]["inputs"]["image"].endswith("-mask.png [temp]")

    async def test_references_go_to_their_nodes_in_order(self, provider, config, fake):
        """One for each input that is named."""
        paths = ["Source.inputs.image", "20.inputs.image"]
        config = configured(config, with_two_images(), references=paths)
        request = request_for(Operation.REFERENCE)
        both = (request.references[0], attrs.evolve(request.references[0], key="image", sha256="b" * 64))
        await result_of(provider, call_of(provider, config, attrs.evolve(request, references=both)))

        files = [fake.files[fake.ledger[0][node]["inputs"]["image"]] for node in ("10", "20")]
        assert [INPUTS["reference"], INPUTS["image"]] == files

    @pytest.mark.parametrize(
        ("graph", "inputs", "request_", "field"),
        [
            (GRAPH, {}, request_for(Operation.GENERATE, size="large"), "params.size"),
            (with_mask(), "mask", attrs.evolve(request_for(Operation.EDIT), mask=None), "mask"),
            (with_image(), "image", request_for(Operation.EDIT), "mask"),
            (with_two_images(), "references", request_for(Operation.REFERENCE), "reference_images"),
        ],
    )
    async def test_what_a_workflow_cannot_do_is_refused_at_once(
        self, provider, config, graph, inputs, request_, field
    ):
        """Before anything is queued."""
        named = (
            {
                "mask": {"image": "Source.inputs.image", "mask": "12.inputs.image"},
                "image": {"image": "Source.inputs.image"},
                "references": {"references": ["Source.inputs.image", "20.inputs.image"]},
            }.get(inputs, {})
            if inputs
            else {}
        )
        config = configured(config, graph, **named)
        model = choose_model(provider.describe(config).models, None)
        with pytest.raises(ValidationFailed) as caught:
            provider.split(request_, model, config)

        assert [field] == [problem.field for problem in caught.value.problems]

    async def test_a_preview_counts_where_nothing_is_saved(self, provider, config, fake):
        """Many workflows end in PreviewImage; where there is SaveImage, previews are none of the result."""
        graph = copy.deepcopy(GRAPH)
        graph["10"] = {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}
        both = await result_of(provider, call_of(provider, configured(config, graph)))
        del graph["9"]
        preview = await result_of(provider, call_of(provider, configured(config, graph)))

        assert (1, 1) == (len(both.images), len(preview.images))
        assert ["output", "temp"] == [folder for _, folder in fake.downloads][::2]

    async def test_a_preset_is_refused(self, provider, config):
        """Which was how ComfyUI was configured before."""
        with pytest.raises(ValidationFailed) as caught:
            provider.describe(attrs.evolve(config, extra_config={"preset": "comfyui"}))

        assert ["extra_config.preset"] == [problem.field for problem in caught.value.problems]


class TestRefusals:
    """What ComfyUI says of a workflow that it does not take; nothing was started."""

    @pytest.mark.parametrize(
        ("language", "place"),
        [
            (Language.EN, "; node 4 (CheckpointLoaderSimple): "),
            (Language.ZH, "；节点 4（CheckpointLoaderSimple）："),
        ],
    )
    async def test_the_errors_of_nodes_are_told(self, provider, config, fake, language, place):
        """With the node, what it is, and what it has instead."""
        config = attrs.evolve(config, models=(ModelEntry(id="gone.safetensors"),))
        failure = await failure_of(provider, call_of(provider, config))

        checkpoints = "['sd_xl_base_1.0.safetensors', 'flux1-dev.safetensors']"
        problem = f"Value not in list: ckpt_name: 'gone.safetensors' not in {checkpoints}"
        assert f"Prompt outputs failed validation{place}{problem}" == failure.reason.text(language)
        assert ("rejected", False, 400, "prompt_outputs_failed_validation", []) == (
            failure.code,
            failure.possible_charge,
            failure.upstream_status,
            failure.upstream_code,
            fake.ledger,
        )

    async def test_an_error_of_the_whole_graph_is_told(self, provider, config):
        """A node that this ComfyUI does not have installed."""
        graph = copy.deepcopy(GRAPH)
        graph["3"]["class_type"] = "FancySampler"
        failure = await failure_of(provider, call_of(provider, configured(config, graph)))

        message = "Cannot execute because node FancySampler does not exist.: Node ID '#3'"
        assert message == failure.message

    async def test_a_part_that_is_left_out_is_a_warning(self, provider, config):
        """ComfyUI runs what is right, and says what is not."""
        graph = copy.deepcopy(GRAPH)
        graph["30"] = {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 1, "height": 64, "batch_size": 1},
        }
        graph["31"] = {"class_type": "VAEDecode", "inputs": {"samples": ["30", 0], "vae": ["4", 2]}}
        graph["32"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "b", "images": ["31", 0]}}
        result = await result_of(provider, call_of(provider, configured(config, graph)))

        assert ["node 30 (EmptyLatentImage): Value 1 smaller than min of 16: width"] == [
            str(warning).partition("workflow: ")[2] for warning in result.warnings
        ]

    @pytest.mark.parametrize(
        ("reply", "code", "not_started"),
        [
            (Reply(429, b"", {"retry-after": "7"}), "rate_limited", True),
            (Reply(500, b"500 Internal Server Error"), "outcome_unknown", False),
            (Reply(401, b"{}"), "auth_failed", False),
            (Reply(413, b"too large"), "rejected", False),
            (Reply(302, b""), "rejected", False),
            (Reply(200, b"<html>"), "bad_response", False),
            (Reply(200, b'{"prompt_id": "../x"}'), "bad_response", False),
            (Break.RESET_AFTER_READ, "outcome_unknown", False),
            (Break.RESET_BEFORE_READ, "outcome_unknown", False),
            (Break.TRUNCATED, "outcome_unknown", False),
        ],
    )
    async def test_each_answer_to_a_workflow_says_whether_it_started(
        self, provider, config, server, reply, code, not_started
    ):
        """Only 429 proves that it did not; the workflow is sent once."""
        server.break_next(reply, path="^/prompt$")
        with pytest.raises(CallError) as caught:
            await result_of(provider, call_of(provider, config))

        assert (code, not_started) == (caught.value.failure.code, caught.value.not_started)
        assert 1 >= len([request for request in server.requests if request.path == "/prompt"])

    @pytest.mark.parametrize(
        ("reply", "code", "not_started"),
        [
            (Reply(400, b""), "rejected", False),
            (Reply(503, b"busy"), "unavailable", True),
            (Break.RESET_AFTER_READ, "unavailable", True),
            (Break.HTML, "rejected", False),
        ],
    )
    async def test_a_failed_upload_starts_nothing(
        self, provider, config, server, fake, reply, code, not_started
    ):
        """It may be tried again where that can help."""
        server.break_next(reply, path="^/upload/image$")
        config = configured(config, with_image(), image="Source.inputs.image")
        request = attrs.evolve(request_for(Operation.EDIT), mask=None)
        with pytest.raises(CallError) as caught:
            await result_of(provider, call_of(provider, config, request))

        error = caught.value
        assert (code, not_started, False, []) == (
            error.failure.code,
            error.not_started,
            error.failure.possible_charge,
            fake.ledger,
        )


@pytest.fixture(params=[False, True], ids=["jobs", "history"])
def either(request, fake):
    """A ComfyUI with the route of jobs, and an older one."""
    fake.old = request.param
    return fake


class TestEnds:
    """How a job that was accepted ends."""

    async def submitted(self, provider, call):
        return await provider.submit(call, MemoryExchange(INPUTS))

    async def test_a_node_that_fails_is_named(self, provider, config, either):
        """With its message, and the kind of the exception as the provider's code."""
        either.failing = ("3", "Allocation on device 0 would exceed allowed memory.")
        failure = await failure_of(provider, call_of(provider, config))

        assert ("rejected", "torch.OutOfMemoryError") == (failure.code, failure.upstream_code)
        assert (
            "node 3 (KSampler) failed: Allocation on device 0 would exceed allowed memory." == failure.message
        )

    async def test_a_job_interrupted_in_the_page_is_cancelled(self, provider, config, either):
        """Somebody pressed the cross there."""
        either.is_held = True
        call = call_of(provider, config)
        job = await self.submitted(provider, call)
        either._start_next()
        either.interrupt()

        assert "cancelled" == (await failure_of(provider, call, job)).code

    @pytest.mark.parametrize("forget", [FakeComfyUI.restart, FakeComfyUI.clear_queue])
    async def test_a_forgotten_job_is_lost_within_seconds(self, provider, config, either, clock, forget):
        """After ComfyUI's restart, or when its queue was cleared."""
        call = call_of(provider, config)
        job = await self.submitted(provider, call)
        forget(either)
        started_at = clock.monotonic()
        failure = await failure_of(provider, call, job)

        assert "result_expired" == failure.code
        assert clock.monotonic() - started_at < 10

    async def test_a_job_that_ends_between_two_questions_is_not_missed(self, provider, config, server, fake):
        """It goes from the queue to the history, so the history is asked for last."""
        fake.old = True
        job = await self.submitted(provider, call_of(provider, config))
        fake._start_next()

        def ending(answer):
            def answered():
                reply = answer()
                fake._question_count = 9
                fake._poll(job.id)
                return reply

            return answer and answered

        about_job, answer_queue = fake._about_job, fake._answer_queue
        fake._about_job = lambda path: ending(about_job(path))
        fake._answer_queue = ending(answer_queue)
        outbound = Outbound(allow_private=[server.url.removeprefix("http://")])
        report = await report_of(ComfyUIProvider(outbound, clock=ManualClock())._api(config), job.id)
        await outbound.aclose()

        assert report is True

    @pytest.mark.parametrize("path", ["^/api/jobs/", "^/history/", "^/queue$"])
    async def test_one_wrong_answer_ends_nothing(self, provider, config, server, either, path):
        """Whatever a proxy says, or what breaks on the way: the job is asked for again."""
        call = call_of(provider, config)
        job = await self.submitted(provider, call)
        for reply in (Reply(502, b"<html>"), Reply(200, b"<html>"), Break.RESET_AFTER_READ, Break.EMPTY):
            server.break_next(reply, path=path)
        server.break_next(Reply.json({"error": "nothing here"}, 404), path="^/api/jobs/")
        receipt = await provider.poll(call, job, MemoryExchange())

        assert 1 == len(receipt.data["images"])

    async def test_the_deadline_counts_from_the_acceptance(self, provider, config, fake, clock):
        """A process that starts later, and finds the job in its attempt, waits for the rest of the time."""
        fake.is_held = True
        call = call_of(provider, config)
        job = await self.submitted(provider, call)
        clock.advance(JOB_SECONDS - 60)
        failure = await failure_of(provider, call, job)

        assert clock.now() == job.expires_at
        assert ("timeout", "the job was not done within 1800 seconds") == (failure.code, failure.message)

    async def test_a_job_that_was_done_in_time_is_fetched_after_the_deadline(
        self, provider, config, fake, clock
    ):
        """We were away for an hour."""
        call = call_of(provider, config)
        job = await self.submitted(provider, call)
        fake._start_next()
        fake._question_count = 9
        clock.advance(timedelta(hours=1).total_seconds())
        receipt = await provider.poll(call, job, MemoryExchange())

        assert 1 == len(receipt.data["images"])

    async def test_a_workflow_that_saves_nothing_is_told(self, provider, config, fake):
        """ComfyUI says that it is done."""
        fake._save = lambda *_: []
        failure = await failure_of(provider, call_of(provider, config))

        assert ("bad_response", "the workflow saved no image; it needs a node such as SaveImage") == (
            failure.code,
            failure.message,
        )


class TestCancel:
    """A cancellation that ComfyUI takes ends the job, and never another one."""

    async def cancelled(self, provider, fake, clock, call, job):
        """Cancel a job at the first question about it; return the failure."""
        sleep, is_sent = clock.sleep, []

        async def cancelling_sleep(seconds):
            if not is_sent:
                is_sent.append(True)
                await provider.cancel(call, job)
            await sleep(seconds)

        clock.sleep = cancelling_sleep
        return await failure_of(provider, call, job)

    async def test_a_waiting_job_is_taken_out_of_the_queue(self, provider, config, either, clock):
        """What runs goes on."""
        either.is_held = True
        first = call_of(provider, config, call_id="first")
        await provider.submit(first, MemoryExchange())
        call = call_of(provider, config)
        job = await provider.submit(call, MemoryExchange())
        failure = await self.cancelled(provider, either, clock, call, job)

        assert ("cancelled", [], 1) == (failure.code, either.interrupted, len(either.running))

    async def test_a_running_job_is_interrupted(self, provider, config, either, clock):
        """By its id."""
        either.is_held = True
        call = call_of(provider, config)
        job = await provider.submit(call, MemoryExchange())
        failure = await self.cancelled(provider, either, clock, call, job)

        assert ("cancelled", [job.id]) == (failure.code, either.interrupted)

    async def test_a_job_that_does_not_stop_is_let_go(self, provider, config, fake, clock):
        """Its node does not look for an interrupt: the task ends a minute later."""
        fake.is_held = True
        fake.interrupt = lambda: None
        call = call_of(provider, config)
        job = await provider.submit(call, MemoryExchange())
        started_at = clock.monotonic()
        failure = await self.cancelled(provider, fake, clock, call, job)

        assert "cancelled" == failure.code
        assert 60 <= clock.monotonic() - started_at < 70

    async def test_a_cancellation_that_does_not_arrive_changes_nothing(
        self, provider, config, server, fake, clock
    ):
        """The job is done, and so it is fetched."""
        server.break_next(Reply(500, b""), path="^/queue$", times=2)
        call = call_of(provider, config)
        job = await provider.submit(call, MemoryExchange())
        await provider.cancel(call, job)
        receipt = await provider.poll(call, job, MemoryExchange())

        assert 1 == len(receipt.data["images"])

    async def test_a_job_that_has_ended_interrupts_nobody(self, provider, config, either):
        """Nor does one that is unknown."""
        either.is_held = True
        call = call_of(provider, config)
        await provider.submit(call, MemoryExchange())
        await provider.cancel(call, UpstreamJob(id="another"))

        assert ([], 1) == (either.interrupted, len(either.pending) + len(either.running))


async def test_two_servers_may_give_one_id_at_the_same_time(server, config, clock):
    """Each job is watched to its end, and a cancellation is for the one that it names."""
    other = FakeComfyUI()
    async with HttpServer(other) as second_server:
        hosts = [each.url.removeprefix("http://") for each in (server, second_server)]
        outbound = Outbound(allow_private=hosts)
        provider = ComfyUIProvider(outbound, clock=clock)
        calls = [
            call_of(provider, attrs.evolve(config, api_base=each.url)) for each in (server, second_server)
        ]
        other.is_held = True
        jobs = [await provider.submit(call, MemoryExchange()) for call in calls]
        sleep = clock.sleep
        cancelled = []

        async def cancel_the_other_job(seconds):
            clock.sleep = sleep
            await provider.cancel(calls[1], jobs[1])
            await sleep(seconds)

        async def watch_the_other_job(seconds):
            clock.sleep = cancel_the_other_job
            cancelled.append(await failure_of(provider, calls[1], jobs[1]))
            await sleep(seconds)

        clock.sleep = watch_the_other_job
        receipt = await provider.poll(calls[0], jobs[0], MemoryExchange())
        await outbound.aclose()

    assert jobs[0].id == jobs[1].id
    assert (1, ["cancelled"]) == (len(receipt.data["images"]), [each.code for each in cancelled])


class TestAddress:
    """What is sent where."""

    async def test_a_key_is_for_what_stands_before_comfyui(self, provider, config, server):
        """A proxy that asks for a token gets it with every request, downloads included."""
        config = attrs.evolve(config, api_key=Secret.parse("sk-0123456789abcdef"))
        result = await result_of(provider, call_of(provider, config))
        await read(result.images[0])

        assert {"Bearer sk-0123456789abcdef"} == {r.headers.get("authorization") for r in server.requests}

    async def test_a_probe_says_what_answers(self, provider, config):
        """Version and device."""
        probe = await provider.probe(config)

        assert (True, "ComfyUI 0.3.64 on cuda:0 NVIDIA GeForce RTX 4090") == (probe.ok, str(probe.detail))

    async def test_a_probe_names_the_nodes_that_are_missing(self, provider, config):
        """Before anybody waits for a job: a workflow of another machine needs its custom nodes."""
        graph = copy.deepcopy(GRAPH)
        graph["3"]["class_type"], graph["9"]["class_type"] = "FancySampler", "Save/Image"
        probe = await provider.probe(configured(config, graph))

        assert (False, "this ComfyUI does not have the nodes FancySampler, Save/Image") == (
            probe.ok,
            str(probe.detail),
        )

    async def test_a_probe_of_something_else_fails(self, provider, config, server):
        """Another server at that address."""
        server.break_next(Reply(200, b"<html>"), path="^/system_stats$")

        assert not (await provider.probe(config)).ok

    async def test_what_is_stored_of_a_job_is_small(self, provider, config):
        """Id, deadline, and nothing of the workflow."""
        job = await provider.submit(call_of(provider, config), MemoryExchange())

        assert {"node_errors": []} == json.loads(json.dumps(dict(job.data)))
