"""Blocking functions run in a bounded number of threads, and the event loop gets what came of them."""

import asyncio
import gc
import random
import subprocess
import sys
import threading
import weakref
from functools import partial

import hypothesis
import pytest
import uvloop
from hypothesis import strategies as st

from imagegen_adapters.threads import Deliveries, WorkerThreads

pytestmark = pytest.mark.anyio

SECONDS = 60


@pytest.fixture
def threads():
    threads = WorkerThreads(2, "files")
    yield threads
    threads.shutdown()


class Slow:
    """A function that runs until it is released."""

    def __init__(self, result=None):
        self.started, self._released, self._result = threading.Event(), threading.Event(), result

    def __call__(self):
        self.started.set()
        if not self._released.wait(SECONDS):
            raise TimeoutError
        return self._result

    async def has_started(self):
        assert await asyncio.to_thread(self.started.wait, SECONDS)

    def release(self):
        self._released.set()


class Thing:
    """Something that can be seen to be freed."""


async def running(threads, *functions):
    """Start the functions and return their futures once all of them run."""
    futures = [threads.start(function) for function in functions]
    for function in functions:
        await function.has_started()
    return futures


async def test_a_function_runs_in_a_thread_of_that_name(threads):
    """Its result is returned, and a profiler shows where it ran."""
    name = await threads.run(lambda: threading.current_thread().name)

    assert "files_0" == name


class _Interrupt(BaseException):
    """Not an `Exception`."""


@pytest.mark.parametrize("error", [KeyError("a"), OSError(5, "b"), _Interrupt("c")], ids=repr)
async def test_an_exception_arrives_as_it_is(threads, error):
    """The same object, with the traceback of the function; the thread serves on."""

    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        await threads.run(fail)

    assert raised.value is error
    assert "fail" == raised.traceback[-1].name
    assert 1 == await threads.run(lambda: 1)


async def test_stop_iteration_does_not_end_the_coroutine(threads):
    """A future cannot hold it, so it is the cause of another error; nobody waits forever."""
    async with asyncio.timeout(SECONDS):
        with pytest.raises(RuntimeError) as raised:
            await threads.run(partial(next, iter(())))

    assert isinstance(raised.value.__cause__, StopIteration)


async def test_calls_one_after_the_other_share_a_thread(threads):
    """No thread is started while another one is free."""
    idents = {await threads.run(threading.get_ident) for _ in range(50)}

    assert 1 == len(idents)


async def test_a_call_does_not_wait_for_a_busy_thread(threads):
    """While there are fewer threads than allowed, another one is started."""
    slow = Slow()
    (future,) = await running(threads, slow)
    other = await threads.run(lambda: "other")
    slow.release()
    await future

    assert "other" == other


async def test_no_more_run_at_once_than_allowed(threads):
    """The third function waits until one of the first two has ended."""
    first, second, third = Slow(), Slow(), Slow()
    futures = await running(threads, first, second)
    futures.append(threads.start(third))
    await asyncio.sleep(0)
    started_early = third.started.is_set()
    second.release()
    await third.has_started()
    first.release()
    third.release()
    await asyncio.gather(*futures)

    assert not started_early


async def test_functions_run_in_the_order_in_which_they_came():
    """With one thread, none overtakes another."""
    threads, order = WorkerThreads(1, "files"), []
    await asyncio.gather(*(threads.run(partial(order.append, number)) for number in range(200)))
    threads.shutdown()

    assert list(range(200)) == order


async def test_a_cancelled_call_that_waits_is_never_made(threads):
    """Its turn goes to the next one."""
    slow, calls = (Slow(), Slow()), []
    futures = await running(threads, *slow)
    waiting = [asyncio.create_task(threads.run(partial(calls.append, number))) for number in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[2].cancel()
    await asyncio.sleep(0)
    for function in slow:
        function.release()
    outcomes = await asyncio.gather(*futures, *waiting, return_exceptions=True)

    assert [
        type(None),
        type(None),
        asyncio.CancelledError,
        type(None),
        asyncio.CancelledError,
        type(None),
    ] == [type(outcome) for outcome in outcomes]
    assert [1, 3] == sorted(calls)


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_call_that_runs_goes_on_to_its_end(fails):
    """Its late result or exception is dropped without a word."""
    threads, slow, ended, complaints = WorkerThreads(1, "files"), Slow(), [], []

    def function():
        slow()
        ended.append(True)
        if fails:
            raise KeyError

    async def cancel():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        task = asyncio.create_task(threads.run(function))
        await asyncio.sleep(0)
        await slow.has_started()
        task.cancel()
        await asyncio.wait([task])
        slow.release()
        await threads.run(lambda: None)
        gc.collect()
        return task.cancelled()

    was_cancelled = uvloop.run(cancel())
    threads.shutdown()

    assert (True, [True], []) == (was_cancelled, ended, complaints)


async def test_closing_waits_for_what_was_accepted(threads):
    """Running and queued functions end; later ones are refused. It may be closed twice."""
    slow, ended = Slow(), []
    (future,) = await running(threads, slow)
    queued = [threads.start(partial(ended.append, number)) for number in range(10)]
    slow.release()
    await asyncio.to_thread(threads.shutdown)
    ended_at_close = list(ended)
    threads.shutdown()
    await asyncio.gather(future, *queued)

    assert sorted(ended_at_close) == list(range(10))
    with pytest.raises(RuntimeError, match="closed"):
        await threads.run(lambda: 1)


async def test_unused_threads_can_be_closed():
    """Nothing was started, so there is nothing to wait for."""
    threads = WorkerThreads(2, "files")
    threads.shutdown()

    with pytest.raises(RuntimeError):
        threads.start(lambda: 1)


def test_the_thread_survives_the_loop_that_waited():
    """A result for a closed loop is dropped; the thread serves the next loop."""
    threads, slow = WorkerThreads(1, "files"), Slow()

    async def leave():
        await running(threads, slow)

    uvloop.run(leave())
    slow.release()
    after = uvloop.run(threads.run(lambda: "served"))
    threads.shutdown()

    assert "served" == after


def test_a_call_queued_by_a_closed_loop_is_dropped():
    """`asyncio.Runner` cancels the tasks of its loop, so nobody waits for the call."""
    threads, slow, calls = WorkerThreads(1, "files"), Slow(), []

    async def leave():
        await running(threads, slow)
        asyncio.current_task().get_loop().create_task(threads.run(partial(calls.append, 1)))
        await asyncio.sleep(0)

    uvloop.run(leave())
    slow.release()
    threads.shutdown()

    assert [] == calls


def test_several_loops_use_the_same_threads():
    """Each of four loops, running at the same time, gets its own results."""
    threads, results = WorkerThreads(2, "files"), {}

    async def many(start):
        return await asyncio.gather(*(threads.run(partial(pow, start + n, 2)) for n in range(100)))

    def serve(start):
        results[start] = uvloop.run(many(start))

    loops = [threading.Thread(target=serve, args=(start,)) for start in (0, 100, 200, 300)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join(SECONDS)
    threads.shutdown()

    assert {start: [n * n for n in range(start, start + 100)] for start in (0, 100, 200, 300)} == results


FORK = """
import os, uvloop
from imagegen_adapters.threads import WorkerThreads

threads = WorkerThreads(2, "files")
if pid := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
results = [uvloop.run(threads.run(lambda: 40 + n)) for n in (1, 2)]
threads.shutdown()
os._exit(sum(results) - 83)
"""


def test_threads_can_be_used_after_a_fork():
    """They are started by the first call, so a process may inherit what it has not used yet."""
    ended = subprocess.run([sys.executable, "-c", FORK], check=False, timeout=SECONDS)

    assert 0 == ended.returncode


async def test_dropped_threads_end():
    """Nobody has to close what nobody uses any more."""
    threads = WorkerThreads(2, "files")
    thread = await threads.run(threading.current_thread)
    del threads
    await asyncio.to_thread(thread.join, SECONDS)

    assert not thread.is_alive()


async def test_an_idle_thread_keeps_nothing_in_memory(threads):
    """Neither function nor result: a chunk of an image has half a megabyte."""
    argument = Thing()
    result = await threads.run(partial(lambda _: Thing(), argument))
    references = [weakref.ref(argument), weakref.ref(result)]
    del argument, result
    await threads.run(lambda: None)

    assert [None, None] == [reference() for reference in references]


async def test_an_exception_is_freed_without_the_garbage_collector(threads):
    """Exception, traceback and future form no cycle, which would keep the function's values for long."""
    gc.collect()
    gc.disable()
    try:
        reference = await _reference_of_failure(threads)
        await threads.run(lambda: None)

        assert reference() is None
    finally:
        gc.enable()


class _Failure(Exception):
    """Of which there are weak references."""


async def _reference_of_failure(threads):
    references = []

    def fail():
        error = _Failure()
        references.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    future = threads.start(fail)
    await asyncio.wait([future])
    assert isinstance(future.exception(), _Failure)
    return references[0]


async def test_a_system_without_threads_is_an_error_of_the_system(threads, monkeypatch):
    """The caller is told that no thread could be started; a later call succeeds."""
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(OSError, match="no more threads"):
            await threads.run(lambda: 1)
    result = await threads.run(lambda: 2)

    assert 2 == result


async def test_a_call_that_was_refused_is_never_made(threads, monkeypatch):
    """Its caller has cleaned up by then, or done it another way."""
    calls = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(OSError, match="no more threads"):
            threads.start(partial(calls.append, "refused"))
    await threads.run(partial(calls.append, "accepted"))

    assert ["accepted"] == calls


async def test_one_thread_is_enough_when_no_more_can_be_started(threads, monkeypatch):
    """What finds no second thread waits for the first: an image that is paid for is stored all the same."""
    slow = Slow("first")
    (first,) = await running(threads, slow)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        second = threads.start(lambda: "second")
    slow.release()

    assert ["first", "second"] == await asyncio.gather(first, second)


def _no_thread(_):
    raise RuntimeError("can't start new thread")


class CountedLoop(asyncio.SelectorEventLoop):
    """Counts how often other threads wake it."""

    wakes = 0

    def call_soon_threadsafe(self, *arguments, **more):
        self.wakes += 1
        return super().call_soon_threadsafe(*arguments, **more)


def test_results_that_are_due_wake_the_loop_once():
    """A hundred results that arrive while the loop is busy cost one wake-up, and the next one another."""

    async def receive():
        loop, deliveries = asyncio.get_running_loop(), Deliveries.current()
        futures = [loop.create_future() for _ in range(100)]
        for number, future in enumerate(futures):
            deliveries.deliver(future, number, None)
        results = await asyncio.gather(*futures)
        last = loop.create_future()
        deliveries.deliver(last, "last", None)
        return [*results, await last], loop.wakes

    with asyncio.Runner(loop_factory=CountedLoop) as runner:
        results, wakes = runner.run(receive())

    assert ([*range(100), "last"], 2) == (results, wakes)


async def test_the_first_of_two_results_counts():
    """A writer that fails what is left of a batch does not overwrite what was delivered."""
    deliveries = Deliveries.current()
    future = deliveries.loop.create_future()
    deliveries.deliver(future, 1, None)
    deliveries.deliver(future, None, KeyError())

    assert 1 == await future
    await asyncio.sleep(0)


def test_each_loop_has_its_own_deliveries():
    """The same one as long as the loop runs, a new one for the next loop."""

    async def current():
        return Deliveries.current(), Deliveries.current()

    first, again = uvloop.run(current())
    other, _ = uvloop.run(current())

    assert first is again
    assert other is not first


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    seed=st.integers(0, 2**32),
    max_threads=st.integers(1, 5),
    callers=st.integers(1, 40),
    calls=st.integers(1, 25),
)
def test_under_load_no_call_is_lost_or_made_twice(seed, max_threads, callers, calls):
    """Whoever is not cancelled gets its own result or exception; no more functions run at once than may."""
    chance, threads = random.Random(seed), WorkerThreads(max_threads, "files")
    numbers, lock, at_once, peak = [], threading.Lock(), 0, 0

    def function(number):
        nonlocal at_once, peak
        with lock:
            numbers.append(number)
            at_once += 1
            peak = max(peak, at_once)
        sum(range(number % 500))
        with lock:
            at_once -= 1
        if number % 3 == 0:
            raise KeyError(number)
        return number

    async def call(number):
        future = threads.start(partial(function, number))
        if chance.random() < 0.2:
            await asyncio.sleep(0)
            future.cancel()
        await asyncio.wait([future])
        if future.cancelled():
            return True
        return number == future.result() if number % 3 else (number,) == future.exception().args

    async def caller(number):
        return all([await call(number * calls + each) for each in range(calls)])

    async def all_callers():
        async with asyncio.timeout(SECONDS):
            return await asyncio.gather(*(caller(number) for number in range(callers)))

    outcomes = uvloop.run(all_callers())
    threads.shutdown()

    assert all(outcomes)
    assert len(numbers) == len(set(numbers)) <= callers * calls
    assert peak <= max_threads
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("files-")]
