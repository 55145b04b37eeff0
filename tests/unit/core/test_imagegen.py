"""The façade is entered once, and its worker survives failing adapters."""

import asyncio
import logging

import attrs
import pytest

from imagegen_adapters.memory import in_memory, memory_adapters
from imagegen_core import ImageGen, TaskStatus
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import StorageError
from tests.contracts.clock import ManualClock

pytestmark = pytest.mark.anyio

DEMO = ProviderConfig(provider_name="demo", source=ConfigSource.FILE)


async def test_it_is_entered_once():
    """Entering it again raises, because nothing would run the tasks; the first block is not affected."""
    imagegen = in_memory()
    async with imagegen:
        with pytest.raises(RuntimeError, match="entered once"):
            await imagegen.__aenter__()
        task = await imagegen.submit("猫", width=64, height=64)
        task = await imagegen.wait(task.task_id, timeout=60)

    with pytest.raises(RuntimeError, match="entered once"):
        await imagegen.__aenter__()
    assert TaskStatus.COMPLETED == task.status


async def test_the_next_over_the_same_adapters_takes_up_what_waits():
    """A task submitted after the first block has ended is not lost, and earlier images are still there."""
    first = in_memory()
    async with first:
        early = await first.submit("猫", width=64, height=64)
        await first.wait(early.task_id, timeout=60)
    late = await first.submit("狗", width=64, height=64)

    async with ImageGen(first.parts, file_configs={"demo": DEMO}) as second:
        done = await second.wait(late.task_id, timeout=60)
        image_counts = [
            len(await second.parts.images.of_task(task_id)) for task_id in (early.task_id, late.task_id)
        ]

    assert (TaskStatus.COMPLETED, [1, 1]) == (done.status, image_counts)


@attrs.define
class WatchedDisk:
    """Sets an event when it was too full."""

    has_room: bool = True
    was_full: asyncio.Event = attrs.field(factory=asyncio.Event)

    def __call__(self):
        if not self.has_room:
            self.was_full.set()
        return self.has_room


async def test_nothing_is_sent_while_its_result_could_not_be_stored():
    """With too little disk space a task stays pending; it runs as soon as there is room."""
    disk = WatchedDisk()
    adapters = memory_adapters()
    imagegen = ImageGen(attrs.evolve(adapters, has_room=disk), file_configs={"demo": DEMO})
    task = await imagegen.submit("猫", width=64, height=64)
    disk.has_room = False

    async with imagegen:
        await disk.was_full.wait()
        waiting = await adapters.tasks.get(task.task_id)
        disk.has_room = True
        done = await imagegen.wait(task.task_id, timeout=60)

    assert (TaskStatus.PENDING, 0, TaskStatus.COMPLETED) == (waiting.status, waiting.epoch, done.status)


class BrokenQueue:
    """A memory queue whose `wait` fails at first, with ``error``."""

    def __init__(self, queue, error):
        self._queue, self._error, self.refusals = queue, error, 3

    def __getattr__(self, name):
        return getattr(self._queue, name)

    async def wait(self, timeout):
        if self.refusals:
            self.refusals -= 1
            raise self._error
        await self._queue.wait(timeout)


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (StorageError("the database server went away"), [("no tasks can be claimed", False)] * 3),
        (KeyError("a defect"), [("claiming tasks failed", True)] * 3),
    ],
    ids=["outage", "defect"],
)
async def test_a_queue_that_cannot_wait_is_not_polled_in_a_hot_loop(caplog, error, lines):
    """Each failure is logged, a defect with its traceback, and followed by a pause, until the queue works."""
    adapters = memory_adapters(clock=ManualClock())
    queue = BrokenQueue(adapters.queue, error)

    with caplog.at_level(logging.WARNING):
        async with ImageGen(attrs.evolve(adapters, queue=queue), file_configs={"demo": DEMO}) as imagegen:
            task = await imagegen.submit("猫", width=64, height=64)
            task = await imagegen.wait(task.task_id, timeout=60)

    assert (TaskStatus.COMPLETED, 0) == (task.status, queue.refusals)
    assert lines == [(record.message, record.exc_info is not None) for record in caplog.records]
