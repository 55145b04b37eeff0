"""How long a request is kept open, and what it responds then."""

import asyncio
import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from imagegen_adapters.memory import in_memory
from imagegen_core.errors import Failure, FailureCode, StorageError
from imagegen_core.task import Submission
from imagegen_http.api.retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.guard.delivery import wait_for_disconnect
from imagegen_http.openai import responses
from imagegen_http.openai.responses import ImagesResponse, Style
from imagegen_http.service import Service
from imagegen_http.settings.schema import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def service():
    """Its workers never start, so nothing ends by itself."""
    return Service(
        imagegen=in_memory(),
        settings=Settings(),
        version="0",
        started_at=0,
        store=None,
        free_bytes=None,
        listens_on=None,
        maintenance=None,
        search_index=None,
        feed_watch=None,
        links=None,
        webhooks=None,
    )


async def ask(service, *, leaves=False, events=None, end=None, **more):
    """Return the status, headers and body of the response for a new task."""
    keyed = Submission(prompt="猫", idempotency_key="d.1", idempotency_scope=DERIVED_KEY_SCOPE)
    task = (await service.imagegen.tasks.submit(keyed)).task
    if end is not None:
        now = service.imagegen.parts.clock.now()
        await service.imagegen.parts.tasks.save(task.fence, task=end(task.claim("w", now), now))

    async def receive():
        if not leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    messages = []

    async def send(message):
        messages.append(message)

    disconnect = asyncio.create_task(wait_for_disconnect(receive))
    answer = ImagesResponse(
        service=service,
        retries=ClientRetries(lambda: 0.0),
        task=task,
        call=Call(digest="d", operations=("generate",), disconnect=disconnect),
        style=Style(events=events),
        **{"max_hold_seconds": 0.0, **more},
    )
    async with answer.retries.submitting(answer.call, "d.1"):
        pass
    await answer({"method": "POST"}, receive, send)
    status = messages[0]["status"] if messages else None
    headers = {k.decode(): v.decode() for k, v in messages[0]["headers"]} if messages else {}
    return status, headers, b"".join(m.get("body", b"") for m in messages)


async def unanswered(service):
    now = service.imagegen.parts.clock.now()
    open_keys = await service.imagegen.parts.tasks.keys(
        f"{DERIVED_KEY_SCOPE}:generate", "d.", now=now, unanswered_since=now - timedelta(1)
    )
    return [open_key.key for open_key in open_keys]


async def test_a_task_that_goes_on_is_504(service):
    """The client may retry, since its retry claims the same task."""
    status, headers, body = await ask(service)

    assert (504, "still_running") == (status, json.loads(body)["error"]["code"])
    assert ("5", None) == (headers.get("retry-after"), headers.get("x-should-retry"))
    assert headers["x-task-id"] in json.loads(body)["error"]["message"]
    assert ["d.1"] == await unanswered(service)


@pytest.mark.parametrize("events", [None, "image_generation"])
async def test_the_outcome_of_the_task_is_the_response(service, events):
    """Whatever it is; the delivery is stored, since a restart forgets the rest."""
    failure = Failure(FailureCode.OUTCOME_UNKNOWN, "")
    status, _, body = await ask(service, events=events, end=lambda task, now: task.fail(now, failure))

    assert (400 if events is None else 200) == status
    assert b"outcome_unknown" in body
    assert [] == await unanswered(service)


async def test_a_client_that_disconnected_before_the_end_has_no_response(service):
    """Although there is one by now."""
    await ask(service, leaves=True, end=lambda task, now: task.complete(now), max_hold_seconds=60.0)

    assert ["d.1"] == await unanswered(service)


async def test_a_task_that_is_pending_while_the_service_stops_is_503(service):
    """It runs after the next start."""
    service.stopping.set()
    status, _, body = await ask(service, max_hold_seconds=60.0)

    assert (503, "unavailable") == (status, json.loads(body)["error"]["code"])


async def test_a_stream_gets_its_error_as_an_event(service):
    """Its status was sent at the start."""
    status, headers, body = await ask(service, events="image_edit")

    assert (200, "text/event-stream") == (status, headers["content-type"])
    assert body.startswith(b"event: error\ndata: {")


async def test_nothing_is_sent_to_a_disconnected_client(service):
    """And its task goes on."""
    assert (None, {}, b"") == await ask(service, leaves=True, max_hold_seconds=60.0)


async def test_an_image_that_breaks_off_is_logged_and_its_response_is_cut(service, monkeypatch):
    """It cannot become an error any more, and counts as not delivered."""

    async def broken(*_):
        yield b"{"
        yield b"{" * 1000
        raise StorageError("the disk is gone")

    monkeypatch.setattr(responses, "encode_pieces", broken)
    with capture_logs() as logs, pytest.raises(StorageError):
        await ask(service, end=lambda task, now: task.complete(now))

    assert [("an image cannot be read", "the disk is gone")] == [(e["event"], e["reason"]) for e in logs]
    assert ["d.1"] == await unanswered(service)
