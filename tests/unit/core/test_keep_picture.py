"""Pictures on their way to the store take a bounded amount of memory, however many there are."""

import asyncio

import pytest

from imagegen_adapters.blob_stores.memory import MemoryBlobStore
from imagegen_adapters.clocks.manual import ManualClock
from imagegen_adapters.picture_inspectors.in_thread import ThreadInspector
from imagegen_adapters.testing.samples import NOW, a_task, an_attempt
from imagegen_core.ports.provider import Picture
from imagegen_core.use_cases.keep_picture import STREAMS, KeepPicture
from tests.fakes.pictures import png

pytestmark = pytest.mark.anyio


class Sources:
    """Pictures that stay under way until they are released."""

    def __init__(self):
        self.open = self.most_open = self.begun = 0
        self.full, self.released = asyncio.Event(), asyncio.Event()

    async def chunks(self):
        self.open += 1
        self.begun += 1
        self.most_open = max(self.most_open, self.open)
        if self.open == STREAMS:
            self.full.set()
        await self.released.wait()
        yield png()
        self.open -= 1


async def test_no_more_than_so_many_are_under_way_at_once():
    """The others wait for their turn, and all of them are kept."""
    sources, store = Sources(), MemoryBlobStore()
    keep = KeepPicture(pictures=store, inspector=ThreadInspector(), clock=ManualClock(NOW))
    tasks = [a_task() for _ in range(2 * STREAMS + 1)]
    keeping = [
        asyncio.create_task(
            keep(picture=Picture(chunks=sources.chunks), position=0, task=task, attempt=an_attempt(task))
        )
        for task in tasks
    ]
    await sources.full.wait()
    begun = sources.begun
    sources.released.set()
    images = await asyncio.gather(*keeping)

    assert (STREAMS, STREAMS) == (begun, sources.most_open)
    assert {task.task_id for task in tasks} == {image.task_id for image in images}
    assert 2 * len(tasks) == len(store.blobs)
