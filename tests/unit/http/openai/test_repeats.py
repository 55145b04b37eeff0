"""Which task a repeated request is given."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.memory import in_memory
from imagegen_adapters.testing.samples import a_task
from imagegen_core.errors import QueueFull, ValidationFailed
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.ports.task_repository import IdempotencyClaim
from imagegen_http.openai.repeats import MEMORY, SCOPE, Repeats

pytestmark = pytest.mark.anyio

DIGEST = "d1"


@pytest.fixture
def imagegen():
    """Its workers never start."""
    return in_memory()


@pytest.fixture
def clock():
    """Seconds that pass when a test says so."""
    return [0.0]


@pytest.fixture
def repeats(clock):
    return Repeats(lambda: clock[0])


async def first_request(imagegen, number=0, end=None, ago=timedelta()):
    """Store the task of a first request, ended by ``end(task, now)`` that long ago; return its id."""
    now = imagegen.adapters.clock.now()
    task = a_task(created_at=now - ago)
    claim = IdempotencyClaim(
        scope=f"{SCOPE}:generate",
        key=f"{DIGEST}.{number}",
        body_sha256="",
        expires_at=now + timedelta(days=1),
    )
    await imagegen.adapters.tasks.add(task, queue_size=99, idempotency=claim)
    if end is not None:
        await imagegen.adapters.tasks.save(end(task.claim("w", now), now - ago))
    return task.task_id


async def found(repeats, imagegen, digest=DIGEST):
    task = await repeats.find(imagegen, digest)
    return task and task.task_id


def failed(code, **more):
    return lambda task, now: task.fail(now, Failure.of(code, "", **more))


async def test_nothing_was_made(repeats, imagegen):
    """The first request never came, or was another."""
    await first_request(imagegen)

    assert await found(repeats, imagegen, "d") is None


async def test_a_waiting_task_is_found_however_old(repeats, imagegen):
    """A client may have a long time-out."""
    made = await first_request(imagegen, ago=timedelta(hours=5))

    assert made == await found(repeats, imagegen)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (lambda task, now: task.complete(now), True),
        (lambda task, now: task.cancel(now), True),
        (failed(FailureCode.OUTCOME_UNKNOWN), True),
        (failed(FailureCode.CONTENT_POLICY), True),
        (failed(FailureCode.UNAVAILABLE), False),
        (failed(FailureCode.RATE_LIMITED), False),
        (failed(FailureCode.UNAVAILABLE, possible_charge=True), True),
    ],
)
async def test_an_ended_task_is_found_unless_a_new_try_is_free_and_sensible(repeats, imagegen, end, kept):
    """Paid is paid, and what cannot succeed is not tried again."""
    made = await first_request(imagegen, end=end)

    assert (made if kept else None) == await found(repeats, imagegen)


async def test_what_ended_long_ago_is_no_longer_meant(repeats, imagegen):
    """By then the client has given up."""
    await first_request(imagegen, end=lambda task, now: task.complete(now), ago=MEMORY + timedelta(seconds=9))

    assert await found(repeats, imagegen) is None


async def test_the_task_that_nobody_waits_for_comes_first(repeats, imagegen):
    """Then one with somebody, then one whose answer was sent."""
    answered, waited_for, alone = [await first_request(imagegen, number) for number in range(3)]
    repeats.answered(answered)
    with repeats.waiting(waited_for):
        first = await found(repeats, imagegen)
        repeats.answered(alone)
        second = await found(repeats, imagegen)
    repeats.answered(waited_for)

    assert [alone, waited_for, alone] == [first, second, await found(repeats, imagegen)]


async def test_what_was_turned_away_gets_a_new_task_once(repeats, imagegen):
    """The repeat of a 429 is no repeat of an equal request that was taken."""
    made = await first_request(imagegen)
    with pytest.raises(QueueFull):
        async with repeats.submitting(DIGEST):
            raise QueueFull(1)

    assert [None, made] == [await found(repeats, imagegen), await found(repeats, imagegen)]


@pytest.mark.parametrize("later", [False, True])
async def test_other_refusals_are_not_repeated(repeats, imagegen, clock, later):
    """Nor is a 429 of long ago."""
    made = await first_request(imagegen)
    with pytest.raises((QueueFull, ValidationFailed)):
        async with repeats.submitting(DIGEST):
            raise QueueFull(1) if later else ValidationFailed.of("n", "is wrong")
    clock[0] += 3600

    assert made == await found(repeats, imagegen)


async def test_a_repeat_waits_until_its_first_request_is_stored(repeats, imagegen):
    """However short the client's time-out is."""
    storing, stored = asyncio.Event(), asyncio.Event()

    async def submit():
        async with repeats.submitting(DIGEST):
            storing.set()
            await stored.wait()
            return await first_request(imagegen)

    first = asyncio.create_task(submit())
    await storing.wait()
    repeat = asyncio.create_task(found(repeats, imagegen))
    await asyncio.sleep(0)
    stored.set()

    assert await first == await repeat


async def test_an_edit_is_found_as_what_it_became(repeats, imagegen):
    """Several pictures are a reference."""
    task, now = a_task(), imagegen.adapters.clock.now()
    claim = IdempotencyClaim(
        scope=f"{SCOPE}:reference", key=f"{DIGEST}.1", body_sha256="", expires_at=now + timedelta(days=1)
    )
    await imagegen.adapters.tasks.add(attrs.evolve(task, created_at=now), queue_size=9, idempotency=claim)

    assert task.task_id == await found(repeats, imagegen)
