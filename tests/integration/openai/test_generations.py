"""API.md section 6: images from a prompt, with the official client."""

import base64

import httpx
import pytest

from tests.integration.api.asking import TASKS, data, task_of
from tests.integration.openai.conftest import decoded

PNG = b"\x89PNG\r\n\x1a\n"
GENERATIONS = "/v1/images/generations"
SMALL = {"prompt": "a lighthouse", "size": "64x64"}


def task_made_by(api, response):
    return task_of(api, response.headers["x-task-id"])


def test_the_official_client_works_unchanged(client):
    """A prompt is enough: the default provider draws, and the bytes are in the response."""
    images = client.images.generate(prompt="一只可爱的猫")

    assert [PNG] == [content[:8] for content in decoded(images)]
    assert ("png", True) == (images.output_format, images.created > 1_700_000_000)


def test_n_and_size_are_honoured(client):
    """Several images, each of the size."""
    images = client.images.generate(prompt="a lighthouse", n=3, size="96x64")

    assert (3, "96x64") == (len({image.b64_json for image in images.data}), images.size)


def test_the_bytes_are_those_that_are_stored(client, api):
    """Complete, whatever the chunks and the padding."""
    raw = client.images.with_raw_response.generate(prompt="a lighthouse", size="1001x999", n=2)
    contents = [api.get(i["image_url"]).content for i in task_made_by(api, raw)["images"]]

    assert contents == decoded(raw.parse())
    assert raw.headers["content-length"] == str(len(raw.content))


def test_an_address_is_absolute_and_leads_to_the_image(client):
    """With the request's own Host and scheme."""
    (image,) = client.images.generate(**SMALL, response_format="url").data

    assert image.b64_json is None
    assert PNG == httpx.get(image.url, trust_env=False).content[:8]


def test_an_address_has_the_host_of_the_request(api):
    """As a client behind another name needs it."""
    answer = api.post(GENERATIONS, json={**SMALL, "response_format": "url"}, headers={"Host": "localhost:99"})

    assert answer.json()["data"][0]["url"].startswith("http://localhost:99/api/v1/images/")


@pytest.mark.parametrize("model", ["demo/demo", "demo", "", None])
def test_a_model_is_named_in_three_ways(api, model):
    """Provider and model, a bare id, or nothing."""
    answer = api.post(GENERATIONS, json={**SMALL, "model": model})
    task = task_made_by(api, answer)

    assert (200, "demo", "demo") == (answer.status_code, task["provider"], task["model_id"])


def test_fields_of_the_model_are_used_and_all_others_ignored(client, api):
    """As gateways of this kind do."""
    raw = client.images.with_raw_response.generate(
        **SMALL,
        quality="high",
        style="vivid",
        background="transparent",
        moderation="low",
        output_compression=50,
        user="somebody",
        extra_body={"seed": 7, "no_such_field": {"a": [1]}, "guidance": None},
    )

    assert {"size": "64x64", "seed": 7} == task_made_by(api, raw)["params"]


def test_auto_is_left_out(client, api):
    """It is the model's default anyway."""
    raw = client.images.with_raw_response.generate(prompt="a lighthouse", size="auto", quality="auto")

    assert {} == task_made_by(api, raw)["params"]


def test_a_stream_ends_with_a_completed_event_for_each_image(client):
    """With the bytes, and comments before."""
    events = list(client.images.generate(**SMALL, n=2, stream=True, partial_images=1))

    assert ["image_generation.completed"] * 2 == [event.type for event in events]
    assert [PNG] * 2 == [base64.b64decode(event.b64_json)[:8] for event in events]
    assert ["64x64"] * 2 == [event.size for event in events]


def test_a_chosen_key_gives_the_same_task_again(api):
    """An Idempotency-Key works here as elsewhere; another body with it is refused."""
    key = {"Idempotency-Key": "chosen-by-the-client"}
    first, again = (api.post(GENERATIONS, json=SMALL, headers=key) for _ in range(2))
    other = api.post(GENERATIONS, json={**SMALL, "prompt": "another"}, headers=key)

    assert first.headers["x-task-id"] == again.headers["x-task-id"]
    assert first.content == again.content
    assert ("true", None) == (
        again.headers["idempotent-replayed"],
        first.headers.get("idempotent-replayed"),
    )
    assert (422, "idempotency_key_reused") == (other.status_code, other.json()["error"]["code"])


def test_the_image_is_in_the_gallery(client, api):
    """It is a task like any other."""
    client.images.generate(prompt="ein Leuchtturm für immer", size="64x64")

    assert 1 == data(api.get("/api/v1/images/search", params={"keyword": "für immer"}))["total"]
    assert "ein Leuchtturm für immer" == data(api.get(TASKS))["items"][0]["prompt"]
