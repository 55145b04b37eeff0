"""Gemini with an API key, against Google's API on loopback."""

import asyncio
import io
import subprocess
import sys
import tracemalloc
import warnings
from datetime import UTC, datetime

import attrs
import pytest
from PIL import Image

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import MemoryExchange, ProviderContract
from tests.fakes.gemini import (
    KEY,
    REFUSED,
    FakeGemini,
    Scripted,
    content,
    error,
    error_info,
    image_part,
    png,
    quota_failure,
    retry_info,
)
from tests.fakes.samples import sample
from tests.integration.providers.gemini_bench import GENERATE, GeminiBench

pytestmark = pytest.mark.anyio


class Bench(GeminiBench):
    """With an API key."""

    def config_sent(self):
        return self.fake.requests[-1].body["generationConfig"]

    def text_sent(self):
        return self.fake.requests[-1].body["contents"][0]["parts"][-1]["text"]


@pytest.fixture
async def bench(anyio_backend):
    async with Bench.open(ManualClock(datetime(1970, 1, 1, tzinfo=UTC))) as bench:
        yield bench


async def read(image):
    return b"".join([chunk async for chunk in image.chunks()])


class TestContract(ProviderContract):
    """The contract of every provider."""

    @pytest.fixture
    def provider(self, bench):
        return bench.provider

    @pytest.fixture
    def config(self, bench):
        return bench.config

    def rejected_request(self):
        return attrs.evolve(GENERATE, prompt=REFUSED)


async def test_generate_makes_one_paid_call(bench):
    """The final image is returned, the draft of a thought part is not."""
    result = await bench.run(GENERATE)

    assert [bench.fake.image] == [await read(p) for p in result.images]
    assert ["gemini-nano-banana-2.1"] == bench.fake.ledger
    assert "/v1/models/gemini-nano-banana-2.1:generateContent" == bench.fake.requests[0].target


async def test_an_image_can_be_read_again(bench):
    """A spooled image can be decoded repeatedly."""
    result = await bench.run(GENERATE)

    assert await read(result.images[0]) == await read(result.images[0])


async def test_metadata_keeps_usage_and_words(bench):
    """The model's text and the token usage are kept in the image's metadata."""
    metadata = (await bench.run(GENERATE)).images[0].metadata

    assert "Here you go" == metadata["text"]
    assert 1125 == metadata["usage"]["totalTokenCount"]


async def test_sizes_seed_and_safety_are_sent(bench):
    """Each declared parameter reaches its field."""
    params = {
        "aspect_ratio": "16:9",
        "image_size": "2K",
        "seed": 7,
        "safety": "BLOCK_NONE",
        "thinking_level": "high",
    }

    await bench.run(GENERATE.with_params(**params))

    generation_config = bench.config_sent()
    assert {"aspectRatio": "16:9", "imageSize": "2K"} == generation_config["imageConfig"]
    assert 7 == generation_config["seed"]
    assert "HIGH" == generation_config["thinkingConfig"]["thinkingLevel"]
    assert {"BLOCK_NONE"} == {s["threshold"] for s in bench.fake.requests[0].body["safetySettings"]}


async def test_pixels_become_ratio_and_tier_with_a_warning(bench):
    """The nearest ratio and the smallest sufficient tier are requested, with a warning."""
    result = await bench.run(GENERATE.with_params(width=1920, height=1080))

    assert {"aspectRatio": "16:9", "imageSize": "2K"} == bench.config_sent()["imageConfig"]
    assert "1920x1080 was asked for" in str(result.warnings[0])


async def test_a_size_that_is_no_size_is_rejected_before_anything_is_sent(bench):
    """A typing error costs nothing."""
    error = await bench.failure(GENERATE.with_params(size="huge"))

    assert (FailureCode.REJECTED, []) == (error.failure.code, bench.fake.requests)


async def test_references_go_along_unchanged_and_in_order(bench):
    """Images are streamed into the request in place of their placeholders."""
    images = [png(seed=i, padding=200_000 + i * 256) for i in range(14)]
    references = tuple(bench.input(data, key=f"reference-{i}") for i, data in enumerate(images))

    await bench.run(ImageRequest(operation=Operation.REFERENCE, prompt="together", references=references))

    assert images == bench.fake.requests[0].images
    assert "together" == bench.text_sent()


async def test_images_over_the_inline_limit_are_rejected(bench):
    """The limit of one request is checked before anything is paid."""
    image = bench.input(png(padding=2_000_000))

    error = await bench.failure(
        ImageRequest(operation=Operation.EDIT, prompt="x", image=image), extra_config={"max_inline_mb": 1}
    )

    assert (FailureCode.REJECTED, []) == (error.failure.code, bench.fake.requests)


async def test_a_mask_goes_along_as_a_second_image_with_white_to_be_repainted(bench):
    """Transparent areas of the caller's mask become white; a warning says that the model may ignore it."""
    mask = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    mask.putpixel((0, 0), (0, 0, 0, 255))
    data = io.BytesIO()
    mask.save(data, "PNG")
    request = ImageRequest(
        operation=Operation.EDIT,
        prompt="a hat",
        image=bench.input(png()),
        mask=bench.input(data.getvalue(), key="mask"),
    )

    result = await bench.run(request)

    sent_mask = Image.open(io.BytesIO(bench.fake.requests[0].images[1]))
    assert (0, 255) == (sent_mask.getpixel((0, 0)), sent_mask.getpixel((1, 1)))
    assert bench.text_sent().startswith("a hat\n\nThe second image is a mask")
    assert "the model takes it as advice" in str(result.warnings[0])


async def test_an_edit_mode_adds_its_sentence(bench):
    """Edit modes of Imagen become instructions for a model without modes."""
    request = ImageRequest(
        operation=Operation.EDIT,
        prompt="a beach",
        image=bench.input(png()),
        params={"edit_mode": "EDIT_MODE_BGSWAP"},
    )

    await bench.run(request)

    assert bench.text_sent().startswith("Replace the background")
    assert bench.text_sent().endswith("a beach")


async def test_recontext_wraps_the_prompt(bench):
    """The fixed instruction precedes the caller's prompt."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="a desk", image=bench.input(png()))

    await bench.run(request)

    assert bench.text_sent().startswith("Put the main subject of the image into a new scene.")
    assert bench.text_sent().endswith("The new scene: a desk")


async def test_upscale_asks_for_the_next_tier(bench):
    """1024 pixels times four is 4K, in the image's own ratio; a warning says that it is redrawn."""
    image = bench.input(png(), width=1024, height=768)
    request = ImageRequest(operation=Operation.UPSCALE, image=image, params={"upscale_factor": "x4"})

    result = await bench.run(request)

    assert {"aspectRatio": "4:3", "imageSize": "4K"} == bench.config_sent()["imageConfig"]
    assert "drawn again" in str(result.warnings[0])


async def test_several_images_are_several_calls(bench):
    """Google has no count parameter, so each image is a request with its own seed."""
    call = bench.call(GENERATE.with_params(num=3, seed=5))

    parts = bench.provider.split(call.request, call.model, call.config)

    assert [(1, 5), (1, 6), (1, 7)] == [(p.num, p.seed) for p in parts]


async def test_a_random_seed_is_not_sent(bench):
    """-1 means any seed, for each of the parts."""
    call = bench.call(GENERATE.with_params(num=2, seed=-1))

    parts = bench.provider.split(call.request, call.model, call.config)

    assert [None, None] == [p.seed for p in parts]


@pytest.mark.parametrize(
    ("suffix", "version"), [("", "v1"), ("/v1beta", "v1beta"), ("/v1", "v1"), ("/gateway", "v1")]
)
async def test_a_version_and_a_path_in_api_base_are_kept(suffix, version):
    """``/v1beta`` at the end sets the version; any other path is a prefix."""
    async with FakeGemini(prefix="" if suffix.startswith("/v") else suffix) as fake:
        outbound = Outbound(allow_private=[fake.address])
        config = ProviderConfig(
            provider_name="g",
            source=ConfigSource.FILE,
            api_base=f"http://{fake.address}{suffix}",
            api_key=Secret(KEY),
        )
        bench = Bench(fake, GeminiProvider(outbound, clock=ManualClock()), config, MemoryExchange())

        await bench.run(GENERATE)

        assert fake.requests[0].target.startswith(f"{fake.prefix}/{version}/models/")
        await outbound.aclose()


async def test_extra_headers_go_along(bench):
    """``extra_config.headers`` are sent in addition to the SDK's own."""
    await bench.run(GENERATE, extra_config={"headers": {"X-Team": "a"}})

    assert "a" == bench.fake.requests[0].headers["x-team"]


async def test_the_environment_changes_nothing(bench, monkeypatch):
    """Mode, key, address and version never come from environment variables that the SDK reads."""
    for name, value in {
        "GOOGLE_API_KEY": "stray",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9",
        "GOOGLE_GENAI_API_VERSION": "v9",
        "GOOGLE_CLOUD_PROJECT": "stray",
        "GOOGLE_CLOUD_LOCATION": "stray",
        "GOOGLE_GENAI_CLIENT_MODE": "replay",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)

    await bench.run(GENERATE)

    assert KEY == bench.fake.requests[0].headers["x-goog-api-key"]
    assert bench.fake.requests[0].target.startswith("/v1/models/")


REFUSALS = {
    "prompt": sample("gemini", "blocked", reason="PROHIBITED_CONTENT").body,
    "prompt for an unknown reason": sample("gemini", "blocked", reason="SOMETHING_NEW").body,
    "no content": sample("gemini", "withheld", reason="IMAGE_SAFETY").body,
    "empty content": {"candidates": [{"finishReason": "SAFETY", "content": {}}]},
    "no parts": {"candidates": [{"finishReason": "RECITATION", "content": {"parts": []}}]},
    "other": content(reason="IMAGE_OTHER"),
    "in words": content({"text": "I cannot draw that."}, reason="PROHIBITED_CONTENT"),
}


@pytest.mark.parametrize("response", REFUSALS.values(), ids=REFUSALS)
async def test_refusals_are_content_policy(bench, response):
    """Whatever form the refusal has, the task reports it and is not retryable unchanged."""
    bench.fake.script.append(Scripted(body=response))

    failure = (await bench.failure(GENERATE)).failure

    assert (FailureCode.CONTENT_POLICY, False, False) == (
        failure.code,
        failure.retryable,
        failure.possible_charge,
    )


async def test_the_finish_message_is_shown(bench):
    """The SDK drops it, but the spooled response has it."""
    response = sample("gemini", "withheld_with_reason", reason="IMAGE_SAFETY", message="Unsafe cat.")
    bench.fake.script.append(Scripted(body=response.body))

    error = await bench.failure(GENERATE)

    assert ("Unsafe cat.", "IMAGE_SAFETY") == (str(error), error.failure.upstream_code)


BAD = {
    "words": Scripted(body=content({"text": "Which cat?"})),
    "no image": Scripted(body=content({"text": "Sorry"}, reason="NO_IMAGE")),
    "only a thought": Scripted(body=content(image_part(png(), thought=True))),
    "continuation": Scripted(body=content(reason="CONTINUATION", continuationToken="t")),
    "empty": Scripted(body=b""),
    "empty object": Scripted(body={}),
    "html": Scripted(body=b"<html><body>hello</body></html>", headers={"Content-Type": "text/html"}),
    "a list": Scripted(body=b"[1]"),
    "cut json": Scripted(body=b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": "AAAA'),
    "no content status": Scripted(status=204),
    "created": Scripted(status=201),
}


@pytest.mark.parametrize("response", BAD.values(), ids=BAD)
async def test_answers_without_an_image_may_have_cost_money(bench, response):
    """They may have been charged, and are never resent."""
    bench.fake.script.append(response)

    error = await bench.failure(GENERATE)

    assert (FailureCode.BAD_RESPONSE, True, False) == (
        error.failure.code,
        error.failure.possible_charge,
        error.not_started,
    )
    assert 1 == len(bench.fake.requests)


async def test_a_response_that_arrives_during_the_time_out_is_stored(bench):
    """The image is paid for, so it gets a little more time, as with every provider."""
    bench.fake.script.append(Scripted(body=content(image_part(bench.fake.image)), late=3))

    result = await bench.run(GENERATE, timeout_seconds=5)

    assert [bench.fake.image] == [await read(p) for p in result.images]


@pytest.mark.parametrize("body", [b"{" * 20_000, b"<html>" + b"{}" * 20_000])
async def test_a_large_error_page_hides_no_error(bench, body):
    """The status decides, whatever a gateway wrote in the body."""
    bench.fake.script.append(Scripted(status=429, body=body, headers={"Retry-After": "7"}))

    error = await bench.failure(GENERATE)

    assert (FailureCode.RATE_LIMITED, 7.0, True) == (
        error.failure.code,
        error.retry_after,
        error.not_started,
    )


async def test_words_are_passed_on(bench):
    """The text of a model that returns no image is quoted."""
    bench.fake.script.append(Scripted(body=content({"text": "Which cat do you mean?"})))

    assert "the model answered in words: Which cat do you mean?" == str(await bench.failure(GENERATE))


async def test_an_image_that_is_no_base64_is_a_bad_response(bench):
    """The error comes when the image is read."""
    part = {"inlineData": {"mimeType": "image/png", "data": "!!!!" * 10_000}}
    bench.fake.script.append(Scripted(body=content(part)))
    result = await bench.run(GENERATE)

    with pytest.raises(CallError) as raised:
        await read(result.images[0])

    assert FailureCode.BAD_RESPONSE == raised.value.failure.code


@pytest.mark.parametrize("url_safe", [False, True])
async def test_both_alphabets_of_base64_are_read(bench, url_safe):
    """Large images are read from disk in blocks, in either alphabet."""
    image = png(padding=3_000_000)
    bench.fake.script.append(Scripted(body=content(image_part(image, url_safe=url_safe))))

    result = await bench.run(GENERATE)

    assert image == await read(result.images[0])


DETAILED = {
    "rate, by RetryInfo": (
        Scripted(429, error(429, "RESOURCE_EXHAUSTED", "slow down", retry_info("34.07s"))),
        (FailureCode.RATE_LIMITED, True, 34.07),
    ),
    "rate, by header": (
        Scripted(429, error(429, "RESOURCE_EXHAUSTED", "slow down"), {"Retry-After": "12"}),
        (FailureCode.RATE_LIMITED, True, 12.0),
    ),
    "rate, by date": (
        Scripted(
            429, error(429, "RESOURCE_EXHAUSTED", "x"), {"Retry-After": "Thu, 01 Jan 1970 00:00:09 GMT"}
        ),
        (FailureCode.RATE_LIMITED, True, 9.0),
    ),
    "rate, in HTML": (Scripted(429, b"<html>too many</html>"), (FailureCode.RATE_LIMITED, True, None)),
    "quota of the day": (
        Scripted(429, error(429, "RESOURCE_EXHAUSTED", "quota", quota_failure("RequestsPerDayPerProject"))),
        (FailureCode.QUOTA_EXHAUSTED, False, None),
    ),
    "no quota at all": (
        Scripted(429, error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: x, limit: 0, model: y")),
        (FailureCode.QUOTA_EXHAUSTED, False, None),
    ),
    "overloaded": (
        Scripted(503, error(503, "UNAVAILABLE", "The model is overloaded.")),
        (FailureCode.UNAVAILABLE, True, None),
    ),
    "a gateway's 503": (Scripted(503, b"<html>"), (FailureCode.OUTCOME_UNKNOWN, False, None)),
    "internal": (Scripted(500, error(500, "INTERNAL", "oops")), (FailureCode.OUTCOME_UNKNOWN, False, None)),
    "bad gateway": (Scripted(502, b"bad"), (FailureCode.OUTCOME_UNKNOWN, False, None)),
    "deadline": (Scripted(504, error(504, "DEADLINE_EXCEEDED", "late")), (FailureCode.TIMEOUT, False, None)),
    "bad key": (
        Scripted(400, error(400, "INVALID_ARGUMENT", "API key not valid.", error_info("API_KEY_INVALID"))),
        (FailureCode.AUTH_FAILED, False, None),
    ),
    "forbidden": (
        Scripted(403, error(403, "PERMISSION_DENIED", "no")),
        (FailureCode.AUTH_FAILED, False, None),
    ),
    "bad request": (
        Scripted(400, error(400, "INVALID_ARGUMENT", "bad")),
        (FailureCode.REJECTED, False, None),
    ),
    "too large": (Scripted(413, b"too large"), (FailureCode.REJECTED, False, None)),
    "redirect": (
        Scripted(307, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
        (FailureCode.REJECTED, False, None),
    ),
    "reset before the answer": (Scripted(cut="before"), (FailureCode.OUTCOME_UNKNOWN, False, None)),
    "reset within the answer": (
        Scripted(body=content(image_part(png(padding=9000))), cut="after"),
        (FailureCode.OUTCOME_UNKNOWN, False, None),
    ),
    "answer cut short": (
        Scripted(body=content(image_part(png(padding=9000))), cut="body"),
        (FailureCode.OUTCOME_UNKNOWN, False, None),
    ),
}


@pytest.mark.parametrize(("response", "expected"), DETAILED.values(), ids=DETAILED)
async def test_errors_say_whether_anything_started(bench, response, expected):
    """One request is sent, and its failure is classified by the table."""
    bench.fake.script.append(response)

    error = await bench.failure(GENERATE)

    assert expected == (error.failure.code, error.not_started, error.retry_after)
    assert 1 == len(bench.fake.requests)


async def test_a_wrong_key_is_never_shown(bench):
    """Google quotes the key in some messages; the task never does."""
    message = f"Consumer 'api_key:{KEY}' has been suspended, see https://x.example/help?key={KEY}"
    bench.fake.script.append(Scripted(403, error(403, "PERMISSION_DENIED", message)))

    error_raised = await bench.failure(GENERATE)

    assert "Consumer 'api_key:****' has been suspended, see https://x.example/help" == str(error_raised)


async def test_a_retired_model_names_its_replacement(bench):
    """A 404 for a model that the catalogue lists as retired names its successor."""
    models = (ModelEntry(id="gemini-2.5-flash-image"),)

    error = await bench.failure(GENERATE, models=models)

    assert FailureCode.REJECTED == error.failure.code
    assert "use gemini-nano-banana-2.1" in str(error)


async def test_an_upstream_that_never_answers_is_a_timeout(bench):
    """The request was sent, so it may have cost money; a busy machine has half of the time to connect."""
    bench.fake.script.append(Scripted(cut="hang"))

    error = await bench.failure(GENERATE, timeout_seconds=5)

    assert (FailureCode.TIMEOUT, True, False) == (
        error.failure.code,
        error.failure.possible_charge,
        error.not_started,
    )


async def test_nobody_listening_started_nothing(bench, free_tcp_port):
    """A refused connection may be retried."""
    address = f"127.0.0.1:{free_tcp_port}"
    outbound = Outbound(allow_private=[address])
    bench.provider = GeminiProvider(outbound, clock=ManualClock())

    error = await bench.failure(GENERATE, api_base=f"http://{address}")

    assert (FailureCode.UNAVAILABLE, True) == (error.failure.code, error.not_started)
    await outbound.aclose()


async def test_a_large_image_is_never_whole_in_memory(bench):
    """An image of 20 MB passes in blocks of one megabyte."""
    image = png(padding=20_000_000)
    bench.fake.script.append(Scripted(body=content(image_part(image))))
    result = await bench.run(GENERATE)
    tracemalloc.start()
    size = 0
    async for chunk in result.images[0].chunks():
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(image) == size
    assert peak < 8_000_000


async def test_many_uploads_at_once_all_arrive(bench):
    """Each streams its own image."""
    image = png(padding=300_000)
    request = ImageRequest(operation=Operation.EDIT, prompt="x", image=bench.input(image))

    await asyncio.gather(*(bench.provider.submit(bench.call(request), bench.exchange) for _ in range(12)))

    assert [[image]] * 12 == [received.images for received in bench.fake.requests]


def test_the_sdk_is_imported_when_it_is_needed():
    """The service starts, and describes its providers, without the SDK."""
    script = (
        "import sys; from imagegen_adapters.system import SystemClock; "
        "from imagegen_adapters.outbound.client import Outbound; "
        "from imagegen_adapters.providers.gemini.provider import GeminiProvider; "
        "from imagegen_core.config import ConfigSource, ProviderConfig; "
        "gemini = GeminiProvider(Outbound(), clock=SystemClock()); "
        "gemini.describe(ProviderConfig(provider_name='g', source=ConfigSource.FILE)); "
        "sys.exit('google.genai' in sys.modules or 'google.auth' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-W", "error", "-c", script], check=False).returncode


async def test_probe_names_a_model_that_the_key_does_not_serve(bench):
    """The list of models is free and shows whether the configuration works."""
    config = attrs.evolve(bench.config, models=(ModelEntry(id="gemini-9-image"),))

    probes = [await bench.provider.probe(each) for each in (bench.config, config)]

    assert [
        (True, "9 models are served by this key"),
        (False, "model gemini-9-image is not served by this key"),
    ] == [(probe.ok, str(probe.detail)) for probe in probes]
    assert [] == bench.fake.ledger


async def test_probe_reports_a_wrong_key(bench):
    """It returns a failure and does not raise."""
    config = attrs.evolve(bench.config, api_key=Secret("wrong"))

    probe = await bench.provider.probe(config)

    assert (False, "API key not valid. Please pass a valid API key.") == (probe.ok, str(probe.detail))


async def test_probe_reports_an_answer_that_is_no_list(bench):
    """A web page does not count as a list of models."""
    bench.fake.script.append(Scripted(body=b"<html>"))

    assert not (await bench.provider.probe(bench.config)).ok


async def test_no_warning_escapes(bench):
    """Reasons unknown to the SDK are handled like any other."""
    bench.fake.script.append(Scripted(body=content(reason="BRAND_NEW_REASON")))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await bench.failure(GENERATE)

    assert [] == [str(w.message) for w in caught]
