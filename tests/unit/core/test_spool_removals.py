"""Of the spool a run removes what may be there; for most tasks that is nothing, and costs no look."""

import attrs
import pytest

from imagegen_adapters.memory import MemorySpool, memory_adapters
from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, Phase
from imagegen_core.running.exchange import spool_folder
from tests.contracts.clock import ManualClock
from tests.unit.core.scripted_imagegen import crash_in, imagegen_over, outcome, resume, run_until_it_ended
from tests.unit.core.scripted_provider import SpoolingProvider

pytestmark = pytest.mark.anyio


class NotingSpool(MemorySpool):
    """Notes whose files are removed."""

    def __init__(self, clock):
        super().__init__(clock)
        self.removals = []

    async def remove(self, folder):
        self.removals.append(folder)
        await super().remove(folder)


async def run(provider):
    """Return the task that has run, its attempts, and the spool."""
    adapters = memory_adapters(providers={"scripted": provider})
    spool = NotingSpool(adapters.clock)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, spool=spool))
    task = await outcome(imagegen)
    assert TaskStatus.COMPLETED == task.status
    return task, await adapters.tasks.attempts(task.task_id), spool


async def test_nothing_was_spooled():
    """No input, and a response that is kept with its attempt."""
    _, _, spool = await run(SpoolingProvider(MAX_INLINE_RESPONSE_BYTES))

    assert [] == spool.removals


async def test_the_response_of_a_request_that_another_has_sent_is_not_removed():
    """It is believed to be dead, and may just be spooling what it keeps aside when its write is refused."""
    provider = SpoolingProvider(1)
    adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
    spool = NotingSpool(adapters.clock)
    imagegen = imagegen_over(provider, adapters=attrs.evolve(adapters, spool=spool))
    task_id = await crash_in(imagegen, Phase.SUBMITTING)
    await resume(imagegen, "the next")
    await run_until_it_ended(imagegen, await adapters.tasks.get(task_id), adapters.clock)

    assert FailureCode.OUTCOME_UNKNOWN == (await adapters.tasks.get(task_id)).failure.code
    assert [] == spool.removals


async def test_a_long_response_was_spooled():
    """It goes with its attempt."""
    task, (attempt,), spool = await run(SpoolingProvider(MAX_INLINE_RESPONSE_BYTES + 1))

    assert [spool_folder(task.task_id, attempt.attempt_id)] == spool.removals
    assert () == await spool.folders(older_than_seconds=-1)
