"""A response that is arriving at a time-out or a stop is stored: it has been paid for."""

import asyncio
import logging

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import Charge, Phase
from tests.unit.core.scripted_imagegen import imagegen_over, outcome, refused
from tests.unit.core.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class ArrivingProvider(ScriptedProvider):
    """A provider whose response has started and completes after ``turns`` of the event loop, or never."""

    def __init__(self, *, turns=None, error=None, **more):
        super().__init__(**more)
        self.response_started = asyncio.Event()
        self._turns, self._error = turns, error

    async def submit(self, call, exchange):
        answer = await super().submit(call, exchange)
        exchange.mark_response_started()
        self.response_started.set()
        if self._turns is None:
            await asyncio.Event().wait()
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return answer


async def stopped_while_it_arrives(provider, **params):
    """Stop without a grace time while a response is arriving; return the façade and the task."""
    imagegen = imagegen_over(provider)
    async with imagegen:
        task = await imagegen.submit("猫", **params)
        await provider.response_started.wait()
    return imagegen, await imagegen.parts.tasks.get(task.task_id)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 50])
@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_response_that_arrives_as_the_grace_time_ends_is_stored(as_job, turns):
    """It is stored, and the next start continues from it, so that nothing is paid for in vain."""
    provider = ArrivingProvider(as_job=as_job, turns=turns)

    imagegen, stopped = await stopped_while_it_arrives(provider)
    (attempt,) = await imagegen.parts.tasks.attempts(stopped.task_id)
    async with imagegen_over(provider, adapters=imagegen.parts) as second:
        done = await second.wait(stopped.task_id, timeout=60)

    assert (Charge.CERTAIN, None) == (attempt.charge, attempt.failure)
    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)


async def test_a_refusal_that_arrives_while_the_grace_time_ends_is_believed():
    """The response proves that nothing was started: the next start sends the request."""
    provider = ArrivingProvider(turns=3, error=refused(FailureCode.RATE_LIMITED, not_started=True))

    imagegen, stopped = await stopped_while_it_arrives(provider)
    (attempt,) = await imagegen.parts.tasks.attempts(stopped.task_id)

    assert (TaskStatus.PENDING, Phase.FAILED, Charge.NONE) == (stopped.status, attempt.phase, attempt.charge)


async def test_a_response_that_never_completes_does_not_block_a_stop(monkeypatch):
    """After the grace time its outcome is unknown."""
    monkeypatch.setattr("imagegen_core.running.exchange.RESPONSE_GRACE_SECONDS", 0.01)

    _, stopped = await stopped_while_it_arrives(ArrivingProvider())

    assert (TaskStatus.FAILED, FailureCode.OUTCOME_UNKNOWN) == (stopped.status, stopped.failure.code)


@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_received_response_survives_a_stop_at_any_point(as_job):
    """The call has ended, and its run is cancelled before the response is stored."""
    provider = ScriptedProvider(as_job=as_job)
    answered, slow = asyncio.Event(), asyncio.Event()
    adapters = memory_adapters(providers={"scripted": provider})

    class SlowRepository:
        """Takes its time over the write that makes an answer durable; a cancelled one is not made."""

        def __getattr__(self, name):
            return getattr(adapters.tasks, name)

        async def save(self, fence, *, task=None, attempts=(), images=()):
            arrived = {attempt.phase for attempt in attempts} & {Phase.ACCEPTED, Phase.RECEIVED}
            if task is None and arrived and not slow.is_set():
                slow.set()
                answered.set()
                await asyncio.Event().wait()
            return await adapters.tasks.save(fence, task=task, attempts=attempts, images=images)

    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, tasks=SlowRepository()))
    async with imagegen:
        task = await imagegen.submit("猫")
        await answered.wait()
    async with imagegen_over(provider, adapters=adapters) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)


async def test_a_response_that_arrives_during_the_time_out_is_stored(monkeypatch):
    """A late response has been paid for nevertheless."""
    monkeypatch.setattr("imagegen_core.running.calls.SUBMIT_SLACK_SECONDS", -59.99)
    provider = ArrivingProvider()
    arrived = asyncio.Event()

    async def a_little_late():
        asyncio.get_running_loop().call_later(0.05, arrived.set)

    async def submit(call, exchange):
        answer = await ScriptedProvider.submit(provider, call, exchange)
        exchange.mark_response_started()
        await arrived.wait()
        return answer

    provider.submits, provider.submit = [a_little_late], submit

    task = await outcome(imagegen_over(provider))

    assert (TaskStatus.COMPLETED, 1) == (task.status, provider.charged)


class LogWatch(logging.Handler):
    """Lets a test wait for a log message."""

    def __init__(self, logger):
        super().__init__(logging.INFO)
        self._messages, self._changed, self._logger = [], asyncio.Event(), logging.getLogger(logger)

    def emit(self, record):
        self._messages.append(record.getMessage())
        self._changed.set()

    async def until_logged(self, message):
        while message not in self._messages:
            self._changed.clear()
            await self._changed.wait()

    def __enter__(self):
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_):
        self._logger.removeHandler(self)


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
@pytest.mark.parametrize("as_job", [True, False], ids=["job", "direct"])
async def test_a_response_that_is_waited_for_survives_a_stop_as_well(as_job, turns, monkeypatch, caplog):
    """The call had timed out, its response was arriving, and then the service stopped."""
    monkeypatch.setattr("imagegen_core.running.calls.SUBMIT_SLACK_SECONDS", -59.99)
    caplog.set_level(logging.INFO)
    provider, stopping = ScriptedProvider(as_job=as_job), LogWatch("imagegen_core.running.runner")

    async def submit(call, exchange):
        answer = await ScriptedProvider.submit(provider, call, exchange)
        exchange.mark_response_started()
        await stopping.until_logged("waiting for running tasks")
        for _ in range(turns):
            await asyncio.sleep(0)
        return answer

    provider.submit = submit
    imagegen = imagegen_over(provider)
    with stopping, LogWatch("imagegen_core.running.exchange") as waiting:
        async with imagegen:
            task = await imagegen.submit("猫")
            await waiting.until_logged("waiting for a response that has started")
    async with imagegen_over(provider, adapters=imagegen.parts) as second:
        done = await second.wait(task.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 1) == (done.status, provider.charged)
