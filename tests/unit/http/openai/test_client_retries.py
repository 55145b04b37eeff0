"""Which task a retried request gets."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.memory import in_memory
from imagegen_core.errors import Failure, FailureCode, QueueFull, ValidationFailed
from imagegen_core.messages import ProblemCode
from imagegen_core.ports.tasks import IdempotencyClaim
from imagegen_http.api.retries import (
    DERIVED_KEY_SCOPE,
    MAX_NUMBERED_RETRY_DELAY,
    MAX_RETRY_DELAY,
    Call,
    ClientRetries,
)
from tests.contracts.samples import a_task

pytestmark = pytest.mark.anyio

DIGEST = "d1"


@pytest.fixture
def imagegen():
    """Its workers never start."""
    return in_memory()


@pytest.fixture
def clock():
    """Seconds that pass when a test advances them."""
    return [0.0]


@pytest.fixture
def retries(clock):
    return ClientRetries(lambda: clock[0])


async def first_request(imagegen, number=0, end=None, ago=timedelta()):
    """Store the task of a first request, ended by ``end(task, now)`` that long ago; return its id."""
    now = imagegen.parts.clock.now()
    task = a_task(created_at=now - ago)
    claim = IdempotencyClaim(
        scope=f"{DERIVED_KEY_SCOPE}:generate",
        key=f"{DIGEST}.{number}",
        body_sha256="",
        expires_at=now + timedelta(days=1),
    )
    await imagegen.parts.tasks.add(task, queue_size=99, claim=claim)
    if end is not None:
        await imagegen.parts.tasks.save(task.fence, task=end(task.claim("w", now), now - ago))
    return task.task_id


def call_of(*operations, digest=DIGEST, leaves=False):
    """Return a caller that has disconnected already or never does."""
    call = Call(digest=digest, operations=operations or ("generate",), disconnect=asyncio.Future())
    if leaves:
        call.disconnect.set_result(None)
    return call


async def claimed_id(retries, imagegen, *, numbered=True, **more):
    """Return the id of the task that a caller claims before it disconnects at once."""
    call = call_of(**more)
    task = await retries.claim(imagegen, call, numbered=numbered)
    retries.leave(call)
    return task and task.task_id


def failed(code, **more):
    return lambda task, now: task.fail(now, Failure(code, "", **more))


async def test_without_a_task_there_is_nothing_to_claim(retries, imagegen):
    """The first request never arrived, or was a different one."""
    await first_request(imagegen)

    assert await claimed_id(retries, imagegen, digest="d") is None


async def test_a_pending_task_is_claimed_however_old(retries, imagegen):
    """A client may have a long time-out."""
    task_id = await first_request(imagegen, ago=timedelta(hours=5))

    assert task_id == await claimed_id(retries, imagegen)


@pytest.mark.parametrize(
    ("end", "is_claimed"),
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
async def test_an_ended_task_is_claimed_unless_a_new_attempt_is_free_and_sensible(
    retries, imagegen, end, is_claimed
):
    """What was charged is not paid twice, and what cannot succeed is not attempted again."""
    task_id = await first_request(imagegen, end=end)

    assert (task_id if is_claimed else None) == await claimed_id(retries, imagegen)


async def test_a_task_that_ended_long_ago_is_not_claimed(retries, imagegen):
    """By then the client has given up."""
    await first_request(
        imagegen,
        end=lambda task, now: task.complete(now),
        ago=MAX_NUMBERED_RETRY_DELAY + timedelta(seconds=9),
    )

    assert await claimed_id(retries, imagegen) is None


async def test_a_numbered_retry_claims_an_abandoned_task_before_it_shares_one(retries, imagegen):
    """Then one that somebody waits for, then one whose response was delivered."""
    answered, waited_for, alone = [await first_request(imagegen, number) for number in range(3)]
    await imagegen.parts.tasks.mark_answered(answered, at=imagegen.parts.clock.now())
    calls = [call_of() for _ in range(3)]
    async with retries.submitting(calls[0], f"{DIGEST}.0"), retries.submitting(calls[1], f"{DIGEST}.1"):
        pass
    retries.answered(calls[0])
    retries.leave(calls[0])
    first = await retries.claim(imagegen, calls[2], numbered=True)
    retries.answered(calls[2])
    retries.leave(calls[2])
    second = await claimed_id(retries, imagegen)
    retries.answered(calls[1])

    assert [alone, waited_for] == [first.task_id, second]
    assert await claimed_id(retries, imagegen) in {answered, alone, waited_for}


@pytest.mark.parametrize("numbered", [False, True])
async def test_each_abandoned_task_is_claimed_once(retries, imagegen, numbered):
    """The oldest first; a waiting caller keeps its task, and the next one submits a new one or shares."""
    lost = [await first_request(imagegen, number) for number in range(2)]
    calls = [call_of() for _ in range(3)]
    claimed = [await retries.claim(imagegen, call, numbered=numbered) for call in calls]

    assert lost == [task.task_id for task in claimed[:2]]
    assert numbered == (claimed[2] is not None)


async def test_concurrent_equal_callers_claim_an_abandoned_task_once(retries, imagegen):
    """Both look for it before either has it."""
    lost = await first_request(imagegen)
    calls = [call_of() for _ in range(9)]
    claimed = await asyncio.gather(*(retries.claim(imagegen, call, numbered=False) for call in calls))

    assert [lost] == [task.task_id for task in claimed if task is not None]


async def test_a_task_that_is_abandoned_again_is_claimed_again(retries, imagegen):
    """Also before the response of that caller has noticed the disconnect."""
    lost = await first_request(imagegen)
    second = call_of()
    await retries.claim(imagegen, second, numbered=False)
    while_it_waits = await claimed_id(retries, imagegen, numbered=False)
    second.disconnect.set_result(None)

    assert (None, lost) == (while_it_waits, await claimed_id(retries, imagegen, numbered=False))


async def test_a_caller_with_its_response_gets_a_new_task(retries, imagegen):
    """In this process from memory, and after a restart because it was stored."""
    task_id = await first_request(imagegen, end=lambda task, now: task.complete(now))
    call = call_of()
    await retries.claim(imagegen, call, numbered=False)
    retries.answered(call)
    retries.leave(call)
    after_a_kill = await claimed_id(ClientRetries(lambda: 0.0), imagegen, numbered=False)
    await imagegen.parts.tasks.mark_answered(task_id, at=imagegen.parts.clock.now())

    assert [None, task_id, None] == [
        await claimed_id(retries, imagegen, numbered=False),
        after_a_kill,
        await claimed_id(ClientRetries(lambda: 0.0), imagegen, numbered=False),
    ]


@pytest.mark.parametrize(("seconds", "is_claimed"), [(-9, True), (9, False)])
async def test_an_abandoned_task_can_be_claimed_for_ten_minutes(retries, imagegen, seconds, is_claimed):
    """Counted from its end; later than that no client retries by itself."""
    ago = MAX_RETRY_DELAY + timedelta(seconds=seconds)
    task_id = await first_request(imagegen, end=lambda task, now: task.complete(now), ago=ago)

    assert (task_id if is_claimed else None) == await claimed_id(retries, imagegen, numbered=False)


async def test_an_abandoned_task_that_failed_for_free_is_attempted_again(retries, imagegen):
    """And does not hide another one."""
    await first_request(imagegen, 0, end=failed(FailureCode.UNAVAILABLE))
    charged = await first_request(imagegen, 1, end=failed(FailureCode.TIMEOUT))

    assert charged == await claimed_id(retries, imagegen, numbered=False)


async def test_the_retry_of_a_refused_request_gets_a_new_task_once(retries, imagegen):
    """The retry of a 429 is not the retry of an equal request that was accepted."""
    task_id = await first_request(imagegen)
    with pytest.raises(QueueFull):
        async with retries.submitting(call_of(), f"{DIGEST}.x"):
            raise QueueFull(1)

    assert [None, task_id] == [await claimed_id(retries, imagegen), await claimed_id(retries, imagegen)]


@pytest.mark.parametrize("later", [False, True])
async def test_other_refusals_are_not_retried(retries, imagegen, clock, later):
    """Nor is a 429 of long ago."""
    task_id = await first_request(imagegen)
    with pytest.raises((QueueFull, ValidationFailed)):
        async with retries.submitting(call_of(), f"{DIGEST}.x"):
            raise QueueFull(1) if later else ValidationFailed.for_field("n", ProblemCode.INVALID())
    clock[0] += 3600

    assert task_id == await claimed_id(retries, imagegen)


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("looks", [False, True], ids=["storing", "still looking"])
async def test_a_retry_waits_until_its_first_request_is_stored(retries, imagegen, numbered, looks):
    """However early the first caller disconnected."""
    arrived, goes_on = asyncio.Event(), asyncio.Event()
    first_call = call_of(leaves=not numbered)

    async def submit():
        async with retries.arriving(first_call):
            if looks:
                arrived.set()
                await goes_on.wait()
                await retries.claim(imagegen, first_call, numbered=False)
            async with retries.submitting(first_call, f"{DIGEST}.0"):
                arrived.set()
                await goes_on.wait()
                return await first_request(imagegen)

    first = asyncio.create_task(submit())
    await arrived.wait()
    repeat_call = call_of()
    async with retries.arriving(repeat_call):
        repeat = asyncio.create_task(retries.claim(imagegen, repeat_call, numbered=numbered))
        await asyncio.sleep(0)
        goes_on.set()

        assert await first == (await repeat).task_id


async def test_an_equal_request_does_not_wait_for_connected_callers(retries, imagegen):
    """It is not a retry of theirs."""
    call = call_of()
    async with retries.arriving(call), retries.submitting(call, f"{DIGEST}.0"):
        await first_request(imagegen)

        assert await claimed_id(retries, imagegen, numbered=False) is None


async def test_an_edit_is_claimed_under_the_operation_that_it_became(retries, imagegen):
    """Several images are references."""
    task, now = a_task(), imagegen.parts.clock.now()
    claim = IdempotencyClaim(
        scope=f"{DERIVED_KEY_SCOPE}:reference",
        key=f"{DIGEST}.1",
        body_sha256="",
        expires_at=now + timedelta(days=1),
    )
    await imagegen.parts.tasks.add(attrs.evolve(task, created_at=now), queue_size=9, claim=claim)

    call = call_of("edit", "reference")

    assert task.task_id == (await retries.claim(imagegen, call, numbered=False)).task_id
    assert await claimed_id(retries, imagegen) is None


class Peer:
    """Another node, at which callers wait for these keys."""

    def __init__(self, *keys):
        self.waited_for = {f"{DIGEST}.{key}" for key in keys}

    def answer(self, is_so):
        self.is_so = is_so

    async def ask(self, key):
        return key in self.waited_for


async def test_a_task_that_a_caller_of_another_node_waits_for(imagegen):
    """It is not abandoned; only a numbered retry shares it."""
    waited_for, abandoned = await first_request(imagegen, 0), await first_request(imagegen, 1)
    peer = Peer(0)
    retries = ClientRetries(lambda: 0.0, peer)
    claimed = [await claimed_id(retries, imagegen, numbered=False)]
    peer.waited_for.add(f"{DIGEST}.1")
    claimed.append(await claimed_id(retries, imagegen, numbered=False))

    assert [abandoned, None] == claimed
    assert await claimed_id(retries, imagegen, numbered=True) in (waited_for, abandoned)


async def test_what_another_node_is_told(imagegen):
    """A caller waits from its claim until it leaves, or disconnects."""
    await first_request(imagegen)
    peer = Peer()
    retries = ClientRetries(lambda: 0.0, peer)
    call = call_of()
    before = peer.is_so(f"{DIGEST}.0")
    await retries.claim(imagegen, call, numbered=False)
    during = peer.is_so(f"{DIGEST}.0")
    retries.leave(call)

    assert [False, True, False] == [before, during, peer.is_so(f"{DIGEST}.0")]
