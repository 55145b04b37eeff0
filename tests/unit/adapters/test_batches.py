"""Calls that wait together are one batch, which is bounded, and each has its own result."""

import asyncio

import pytest

from imagegen_adapters.stores import DatabaseCode
from imagegen_adapters.stores.postgresql import database
from imagegen_adapters.stores.postgresql.database import Batches
from imagegen_core.errors import StorageError, StorageUnreachable

pytestmark = pytest.mark.anyio


class Echo:
    """A database that answers each argument with itself, refuses "bad", and is gone at "lost"."""

    def __init__(self):
        self.batches = []
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.release.set()

    async def __call__(self, arguments):
        self.batches.append(list(arguments))
        self.begun.set()
        await self.release.wait()
        if "lost" in arguments:
            raise StorageUnreachable(DatabaseCode.SERVER_UNREACHABLE())
        if "bad" in arguments:
            raise StorageError(DatabaseCode.DATABASE_REFUSED(detail="22P05"))
        return arguments


@pytest.fixture
def echo():
    return Echo()


async def all_of(calls, *arguments):
    return await asyncio.gather(*map(calls.call, arguments), return_exceptions=True)


async def test_calls_that_arrive_meanwhile_are_the_next_batch(echo):
    """Each caller gets its own result."""
    calls = Batches(echo)
    echo.release.clear()
    first = asyncio.create_task(all_of(calls, "a", "b"))
    await echo.begun.wait()
    rest = asyncio.create_task(all_of(calls, "c", "d", "e"))
    await asyncio.sleep(0)
    echo.release.set()

    assert [["a", "b"], ["c", "d", "e"]] == await asyncio.gather(first, rest)
    assert [["a", "b"], ["c", "d", "e"]] == echo.batches


async def test_a_batch_is_bounded_in_number_and_size(echo, monkeypatch):
    """What is longer than the bound is a batch of its own."""
    monkeypatch.setattr(database, "MAX_BATCH_CALLS", 3)
    monkeypatch.setattr(database, "MAX_BATCH_CHARACTERS", 10)

    await all_of(Batches(echo), "1234", "1234", "1234", "x" * 99, "a", "b", "c", "d")

    assert [["1234", "1234"], ["1234"], ["x" * 99], ["a", "b", "c"], ["d"]] == echo.batches


async def test_only_what_is_refused_fails(echo):
    """The others are called again, each alone."""
    first, bad, last = await all_of(Batches(echo), "a", "bad", "b")

    assert (("a", "b"), DatabaseCode.DATABASE_REFUSED) == ((first, last), bad.reason.code)
    assert [["a", "bad", "b"], ["a"], ["bad"], ["b"]] == echo.batches


async def test_nothing_is_repeated_whose_outcome_is_unknown(echo):
    """A lost connection is an error of its own for each of the batch; the next batch is tried."""
    calls = Batches(echo)
    lost = await all_of(calls, "a", "lost")

    assert [StorageUnreachable] * 2 == [type(error) for error in lost]
    assert lost[0] is not lost[1]
    assert "b" == await calls.call("b")
    assert [["a", "lost"], ["b"]] == echo.batches


async def test_a_call_whose_caller_was_cancelled_is_left_out(echo):
    """If its batch has not begun; otherwise only its result is dropped."""
    calls = Batches(echo)
    echo.release.clear()
    begun, cancelled = (asyncio.create_task(calls.call(name)) for name in "ab")
    await echo.begun.wait()
    waiting, last = (asyncio.create_task(calls.call(name)) for name in "cd")
    await asyncio.sleep(0)
    for call in (cancelled, waiting):
        call.cancel()
    await asyncio.sleep(0)
    echo.release.set()

    outcomes = await asyncio.gather(begun, cancelled, waiting, last, return_exceptions=True)
    assert ["a", "CancelledError", "CancelledError", "d"] == [
        outcome if isinstance(outcome, str) else type(outcome).__name__ for outcome in outcomes
    ]
    assert [["a", "b"], ["d"]] == echo.batches


async def test_a_defect_is_an_error_of_each_call(caplog):
    """Nobody waits forever, and the next call is made."""

    async def broken(arguments):
        raise ZeroDivisionError

    calls = Batches(broken)
    outcomes = [*await all_of(calls, "a", "b"), *await all_of(calls, "c")]

    assert [DatabaseCode.DATABASE_STOPPED] * 3 == [outcome.reason.code for outcome in outcomes]
    assert "ZeroDivisionError" in caplog.text


async def test_nobody_gets_the_result_of_another_call():
    """Where the database returns fewer rows than it was called with, all calls fail."""

    async def lossy(arguments):
        return arguments[1:]

    outcomes = await all_of(Batches(lossy), "a", "b", "c")

    assert [StorageError] * 3 == [type(outcome) for outcome in outcomes]


async def test_stopped_batches_leave_nobody_waiting(echo):
    """When the event loop ends, which cancels them."""
    calls = Batches(echo)
    echo.release.clear()
    waiting = asyncio.create_task(all_of(calls, "a", "b"))
    await echo.begun.wait()
    (running,) = (task for task in asyncio.all_tasks() if task.get_name() == "batches")
    running.cancel()

    assert [DatabaseCode.DATABASE_STOPPED] * 2 == [error.reason.code for error in await waiting]
