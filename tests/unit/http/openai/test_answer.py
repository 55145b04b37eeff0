"""How long a request is held, and what it is told then."""

import asyncio
import json

import pytest

from imagegen_adapters.memory import in_memory
from imagegen_http.openai.answer import Answer
from imagegen_http.openai.picture_bodies import Style
from imagegen_http.openai.repeats import Repeats
from imagegen_http.service import Service
from imagegen_http.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def service():
    """Its workers never start, so nothing ends by itself."""
    return Service(
        imagegen=in_memory(),
        settings=Settings(),
        version="0",
        presets=list,
        health=None,
        listens_on=None,
        maintenance=None,
        search_index=None,
    )


async def ask(service, *, leaves=False, events=None, **more):
    """Return the status, headers and body of the answer for a new task."""
    task = await service.imagegen.submit("猫")
    answer = Answer(
        service=service,
        repeats=Repeats(lambda: 0.0),
        task=task,
        style=Style(events=events),
        **{"finds_again": True, "hold_seconds": 0.0, **more},
    )
    sent = []

    async def receive():
        if not leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await answer({"method": "POST"}, receive, send)
    if not sent:
        return None
    body = b"".join(m.get("body", b"") for m in sent)
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, body


@pytest.mark.parametrize(
    ("finds_again", "told"), [(True, ("5", None)), (False, (None, "false"))], ids=["found", "lost"]
)
async def test_a_task_that_goes_on_is_504(service, finds_again, told):
    """And only a client whose repeat finds the task again is let repeat."""
    status, headers, body = await ask(service, finds_again=finds_again)

    assert (504, "still_running") == (status, json.loads(body)["error"]["code"])
    assert told == (headers.get("retry-after"), headers.get("x-should-retry"))
    assert headers["x-task-id"] in json.loads(body)["error"]["message"]


async def test_a_task_that_waits_while_the_service_stops_is_503(service):
    """It is made after the next start."""
    service.stopping.set()
    status, _, body = await ask(service, hold_seconds=60.0)

    assert (503, "unavailable") == (status, json.loads(body)["error"]["code"])


async def test_a_stream_is_told_in_an_event(service):
    """Its status was sent at the beginning."""
    status, headers, body = await ask(service, events="image_edit")

    assert (200, "text/event-stream") == (status, headers["content-type"])
    assert body.startswith(b"event: error\ndata: {")


async def test_a_client_that_left_is_told_nothing(service):
    """And its task goes on."""
    assert await ask(service, leaves=True, hold_seconds=60.0) is None
