"""Gemini and Imagen on Vertex, against Google's API on loopback."""

import base64
import io
import json
import threading
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from PIL import Image

from imagegen_core.config import ModelEntry
from imagegen_core.errors import FailureCode
from imagegen_core.requests import ImageRequest, Operation
from tests.contracts.provider import ProviderContract
from tests.fakes.gemini import REFUSED, Scripted, error, png
from tests.fakes.samples import sample
from tests.integration.providers.gemini_bench import GENERATE, GeminiBench

pytestmark = pytest.mark.anyio

IMAGEN = "imagen-4.0-generate-001"


class Bench(GeminiBench):
    """In express mode; the model of a call is the only one that is configured."""

    def call(self, request, model=None, **changes):
        return super().call(request, model, models=(ModelEntry(id=model),), **changes)

    def predict_body(self):
        body = self.fake.requests[-1].body
        return body["instances"][0], body["parameters"]


@pytest.fixture
async def bench(anyio_backend):
    async with Bench.open(extra_config={"backend": "vertex"}) as bench:
        yield bench


@pytest.fixture(scope="module")
def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def credentials_file(bench, private_key, tmp_path):
    path = tmp_path / "service-account.json"
    account = {
        "type": "service_account",
        "client_email": "robot@example.iam.gserviceaccount.com",
        "private_key": private_key,
        "token_uri": f"{bench.fake.url}/token",
    }
    path.write_text(json.dumps(account))
    return str(path)


@pytest.fixture
def unknown_account(bench, credentials_file):
    path = Path(credentials_file)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"token_uri": f"{bench.fake.url}/nowhere"}))
    return credentials_file


def project(credentials_file):
    return {
        "api_key": None,
        "extra_config": {
            "backend": "vertex",
            "project": "my-project",
            "location": "us-central1",
            "credentials_file": credentials_file,
        },
    }


async def read(image):
    return b"".join([chunk async for chunk in image.chunks()])


class TestImagenContract(ProviderContract):
    """The contract of every provider, by Imagen's predict methods."""

    @pytest.fixture
    def provider(self, bench):
        return bench.provider

    @pytest.fixture
    def config(self, bench):
        return attrs.evolve(bench.config, models=(ModelEntry(id=IMAGEN),))

    def rejected_request(self):
        return attrs.evolve(GENERATE, prompt=REFUSED)


async def test_gemini_models_use_generate_content(bench):
    """With an express key, under the publisher's path."""
    result = await bench.run(GENERATE, "gemini-nano-banana-2.1")

    assert [bench.fake.image] == [await read(p) for p in result.images]
    assert (
        "/v1beta1/publishers/google/models/gemini-nano-banana-2.1:generateContent"
        == bench.fake.requests[0].target
    )


async def test_generate_images_makes_several_at_once(bench):
    """Imagen has a count parameter, so one paid call yields all images."""
    request = GENERATE.with_params(num=3, aspect_ratio="16:9", negative_prompt="blur", cfg_scale=7.5)

    result = await bench.run(request, IMAGEN)

    assert 3 == len(result.images)
    assert [IMAGEN] == bench.fake.ledger
    instance, parameters = bench.predict_body()
    assert {"prompt": "一只可爱的猫"} == instance
    assert (3, "16:9", "blur", 7.5) == tuple(
        parameters[k] for k in ("sampleCount", "aspectRatio", "negativePrompt", "guidanceScale")
    )


async def test_a_request_for_several_is_not_split(bench):
    """Operations with a count parameter stay one call; the others are split."""
    model = bench.provider.describe(attrs.evolve(bench.config, models=(ModelEntry(id=IMAGEN),))).models[0]
    request = GENERATE.with_params(num=3)

    parts = bench.provider.split(request, model, bench.config)

    assert (request,) == parts


async def test_a_seed_switches_the_watermark_off(bench):
    """Imagen accepts only one of the two; a warning says so."""
    result = await bench.run(GENERATE.with_params(seed=7), IMAGEN)

    assert (7, False) == tuple(bench.predict_body()[1][k] for k in ("seed", "addWatermark"))
    assert "add_watermark was switched off" in str(result.warnings[0])


async def test_edit_image_sends_the_image_and_the_mask(bench):
    """The image is the raw reference, the mask is user-provided with white repainted."""
    image, mask = png(seed=4, padding=100_000), io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(mask, "PNG")
    request = ImageRequest(
        operation=Operation.EDIT,
        prompt="a hat",
        image=bench.input(image),
        mask=bench.input(mask.getvalue(), "mask"),
        params={"edit_mode": "EDIT_MODE_INPAINT_REMOVAL", "num": 2, "steps": 20},
    )

    await bench.run(request, "imagen-3.0-capability-001")

    instance, parameters = bench.predict_body()
    raw, masked = instance["referenceImages"]
    assert ("REFERENCE_TYPE_RAW", "REFERENCE_TYPE_MASK") == (raw["referenceType"], masked["referenceType"])
    assert image == base64.b64decode(raw["referenceImage"]["bytesBase64Encoded"])
    assert "MASK_MODE_USER_PROVIDED" == masked["maskImageConfig"]["maskMode"]
    assert ("EDIT_MODE_INPAINT_REMOVAL", 2) == (parameters["editMode"], parameters["sampleCount"])
    assert 255 == Image.open(io.BytesIO(bench.fake.requests[0].images[1])).getpixel((0, 0))


async def test_upscale_image(bench):
    """The factor is sent unchanged."""
    request = ImageRequest(
        operation=Operation.UPSCALE, image=bench.input(png()), params={"upscale_factor": "x4"}
    )

    await bench.run(request, "imagen-4.0-upscale-preview")

    assert {"upscaleFactor": "x4"} == bench.predict_body()[1]["upscaleConfig"]


async def test_recontext_image(bench):
    """The image is the product, the prompt its new surroundings."""
    request = ImageRequest(operation=Operation.RECONTEXT, prompt="a desk", image=bench.input(png(seed=2)))

    result = await bench.run(request, "imagen-product-recontext-preview-06-30")

    assert 1 == len(result.images)
    assert "a desk" == bench.predict_body()[0]["prompt"]
    assert [png(seed=2)] == bench.fake.requests[0].images


@pytest.mark.parametrize(
    ("prompt", "params", "mode"),
    [("", {}, "FOREGROUND"), ("the cat", {}, "PROMPT"), ("", {"mode": "BACKGROUND"}, "BACKGROUND")],
)
async def test_segment_image(bench, prompt, params, mode):
    """The mode is the caller's, or depends on whether there is a prompt."""
    request = ImageRequest(
        operation=Operation.SEGMENT, prompt=prompt, image=bench.input(png()), params=params
    )

    await bench.run(request, "image-segmentation-001")

    assert mode.upper() == bench.predict_body()[1]["mode"].upper()


async def test_filtered_images_stand_beside_the_others(bench):
    """One of two was filtered: the other is returned, with its metadata."""
    data = base64.b64encode(png()).decode()
    safety = {"categories": ["Violence"], "scores": [0.1]}
    predictions = [
        {
            "mimeType": "image/png",
            "bytesBase64Encoded": data,
            "safetyAttributes": safety,
            "prompt": "a cat, 4k",
        },
        {"raiFilteredReason": "Unable to show generated images. Support codes: 58061214"},
    ]
    bench.fake.script.append(Scripted(body={"predictions": predictions}))

    result = await bench.run(GENERATE.with_params(num=2), IMAGEN)

    assert [FailureCode.CONTENT_POLICY] == [f.failure.code for f in result.failures]
    assert (safety, "a cat, 4k") == (
        result.images[0].metadata["safety_attributes"],
        result.images[0].metadata["revised_prompt"],
    )


async def test_all_filtered_is_content_policy(bench):
    """The reason is the provider's own."""
    bench.fake.script.append(Scripted(body=sample("gemini", "filtered", reason="Support codes: 1").body))

    error_raised = await bench.failure(GENERATE, IMAGEN)

    assert (FailureCode.CONTENT_POLICY, "Support codes: 1") == (error_raised.failure.code, str(error_raised))


@pytest.mark.parametrize("body", [{}, {"predictions": []}, {"predictions": [{"gcsUri": "gs://x"}]}])
async def test_no_predictions_is_a_bad_response(bench, body):
    """The outcome may have been charged."""
    bench.fake.script.append(Scripted(body=body))

    assert FailureCode.BAD_RESPONSE == (await bench.failure(GENERATE, IMAGEN)).failure.code


async def test_a_prompt_that_breaks_the_rules_is_content_policy(bench):
    """Imagen refuses prompts with a 400."""
    message = "The prompt could not be submitted: it violates Google's Responsible AI practices."
    bench.fake.script.append(Scripted(400, error(400, "INVALID_ARGUMENT", message)))

    assert FailureCode.CONTENT_POLICY == (await bench.failure(GENERATE, IMAGEN)).failure.code


async def test_project_and_location_use_credentials(bench, credentials_file):
    """A service account's token is sent for the project's path; it is fetched once and no key is sent."""
    await bench.run(GENERATE, IMAGEN, **project(credentials_file))
    await bench.run(GENERATE, IMAGEN, **project(credentials_file))

    path = f"/v1beta1/projects/my-project/locations/us-central1/publishers/google/models/{IMAGEN}:predict"
    assert [path, path] == [a.target for a in bench.fake.requests]
    assert 1 == bench.fake.tokens_given


async def test_a_stray_key_in_the_environment_is_not_used(bench, credentials_file, monkeypatch):
    """The configuration takes precedence."""
    monkeypatch.setenv("GOOGLE_API_KEY", "stray")
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:9")

    await bench.run(GENERATE, IMAGEN, **project(credentials_file))

    assert "x-goog-api-key" not in bench.fake.requests[0].headers


@pytest.mark.parametrize("text", ["", "{}", '{"type": "external_account"}', '{"type": "service_account"}'])
async def test_a_credentials_file_that_cannot_be_used(bench, tmp_path, text):
    """The error does not quote its content, and nothing is sent."""
    path = tmp_path / "bad.json"
    path.write_text(text)

    error_raised = await bench.failure(GENERATE, IMAGEN, **project(str(path)))

    assert FailureCode.AUTH_FAILED == error_raised.failure.code
    assert "extra_config.credentials_file cannot be used" == str(error_raised)
    assert [] == bench.fake.requests


async def test_a_token_that_is_refused_starts_nothing(bench, unknown_account):
    """The account is unknown to Google: nothing was paid."""
    error_raised = await bench.failure(GENERATE, IMAGEN, **project(unknown_account))

    assert (FailureCode.AUTH_FAILED, False) == (
        error_raised.failure.code,
        error_raised.failure.possible_charge,
    )


async def test_a_machine_without_room_for_a_thread_starts_nothing(bench, credentials_file, monkeypatch):
    """Sign-in failed, so nothing was sent, and it may be retried."""
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "google-sign-in":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)

    error = await bench.failure(GENERATE, IMAGEN, **project(credentials_file))

    assert (FailureCode.UNAVAILABLE, True, []) == (error.failure.code, error.not_started, bench.fake.ledger)


async def test_probe_lists_the_publishers_models(bench):
    """The list is free on Vertex, too."""
    probe = await bench.provider.probe(attrs.evolve(bench.config, models=(ModelEntry(id=IMAGEN),)))

    assert (True, "9 models are served by this key") == (probe.ok, str(probe.detail))
