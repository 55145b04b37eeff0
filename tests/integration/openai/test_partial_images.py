"""API.md section 6: the official client follows an image while it is made, as it does with OpenAI."""

import base64

import openai
import pytest

from tests.fakes.images import png
from tests.integration.api.live_server import LiveServer
from tests.integration.api.streaming_upstream import streaming, streaming_upstream
from tests.integration.openai.conftest import client_of

MODEL = "openai/gpt-image-2"


@pytest.fixture(scope="module")
def upstream():
    with streaming_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    running = LiveServer(tmp_path_factory.mktemp("partial-images"), streaming(upstream)).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def client(server):
    with client_of(server) as client:
        yield client


@pytest.fixture
def fake(upstream):
    """The provider's fake, with no step to take and nothing charged."""
    upstream.fake.ledger.clear()
    upstream.fake.bodies.clear()
    upstream.fake.ends_in = "completed"
    return upstream.fake


def stepwise(stream, fake):
    """Return the events of a stream, of which each is sent after the one before was received."""
    events = []
    fake.steps.release()
    for event in stream:
        events.append(event)
        fake.steps.release()
    while fake.steps.acquire(blocking=False):
        pass
    return events


def contents(events):
    return [base64.b64decode(event.b64_json) for event in events]


def test_partial_images_come_before_the_completed_one(client, fake):
    """With all that OpenAI's events have; the request is paid once."""
    stream = client.images.generate(
        model=MODEL, prompt="a lighthouse", stream=True, partial_images=2, quality="low", size="1024x1024"
    )
    events = stepwise(stream, fake)
    first, _, last = events

    assert ["image_generation.partial_image"] * 2 == [event.type for event in events[:2]]
    assert ("image_generation.completed", [png(0), png(1), png(9)]) == (last.type, contents(events))
    assert [0, 1] == [event.partial_image_index for event in events[:2]]
    assert ("1024x1024", "low", "auto", "png") == (
        first.size,
        first.quality,
        first.background,
        first.output_format,
    )
    assert ("low", "auto", "png") == (last.quality, last.background, last.output_format)
    assert (472, 14) == (last.usage.output_tokens, last.usage.input_tokens_details.text_tokens)
    assert 0 < first.created_at <= last.created_at
    assert 1 == len(fake.ledger)


def test_an_edit_has_its_own_events(client, fake, image):
    """Multipart at both ends."""
    stream = client.images.edit(model=MODEL, prompt="with a hat", image=image, stream=True, partial_images=1)
    events = stepwise(stream, fake)

    assert ["image_edit.partial_image", "image_edit.completed"] == [event.type for event in events]
    assert [png(0), png(9)] == contents(events)


def test_nothing_is_asked_for_that_nobody_sees(client, fake):
    """Without a stream, or with 0, a plain answer is enough: each partial image costs."""
    client.images.generate(model=MODEL, prompt="a", extra_body={"partial_images": 3})
    streams = [
        *client.images.generate(model=MODEL, prompt="b", stream=True, partial_images=0),
        *client.images.generate(model=MODEL, prompt="c", stream=True),
    ]

    assert (["image_generation.completed"] * 2, 3) == ([e.type for e in streams], len(fake.bodies))
    assert not any({"stream", "partial_images"} & body.keys() for body in fake.bodies)


def test_several_images_are_several_streams(client, fake):
    """The provider streams one image at a time; each completed event is one of them."""
    stream = client.images.generate(model=MODEL, prompt="two", n=2, stream=True, partial_images=1)
    fake.steps.release(4)
    events = [event for event in stream if event.type == "image_generation.completed"]

    assert ([png(9)] * 2, 2) == (contents(events), len(fake.ledger))


def test_an_error_after_a_partial_image_ends_the_stream(client, fake):
    """In OpenAI's own shape, with what the provider said."""
    fake.ends_in = "error"
    stream = client.images.generate(model=MODEL, prompt="a", stream=True, partial_images=1)
    fake.steps.release()
    events = iter(stream)
    first = next(events)
    fake.steps.release()
    with pytest.raises(openai.APIError) as failure:
        next(events)

    assert "image_generation.partial_image" == first.type
    assert ("content_policy_violation", "upstream_error") == (
        failure.value.code,
        failure.value.type,
    )


def test_too_many_partial_images_are_refused(client, fake):
    """Before anything is queued."""
    with pytest.raises(openai.BadRequestError, match="partial_images") as failure:
        client.images.generate(model=MODEL, prompt="a", stream=True, partial_images=4)

    assert ("partial_images", []) == (failure.value.param, fake.bodies)


def test_a_lost_stream_and_its_repeat_are_paid_once(server, fake):
    """The repeat sees what is still to come."""
    body = {"model": MODEL, "prompt": "lost", "stream": True, "partial_images": 2}
    with server.client() as other, other.stream("POST", "/v1/images/generations", json=body) as first:
        fake.steps.release()
        text = next(first.iter_text())
    with server.client() as other, other.stream("POST", "/v1/images/generations", json=body) as again:
        fake.steps.release()
        lines = again.iter_lines()
        names = [next(line for line in lines if line.startswith("event: "))]
        fake.steps.release()
        names += [line for line in lines if line.startswith("event: ")]

    assert "image_generation.partial_image" in text
    assert ["event: image_generation.partial_image", "event: image_generation.completed"] == names
    assert (first.headers["x-task-id"], "true", 1) == (
        again.headers["x-task-id"],
        again.headers["idempotent-replayed"],
        len(fake.ledger),
    )
