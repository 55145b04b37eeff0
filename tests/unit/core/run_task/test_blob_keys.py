"""Two workers that store the image of the same task: neither destroys what the other has stored."""

import hashlib

import attrs
import pytest

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.memory import memory_adapters
from imagegen_core import TaskStatus
from imagegen_core.errors import FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.ports.tools import ImageRejected
from tests.contracts.clock import ManualClock
from tests.frozen_worker import TwoWorkers
from tests.unit.core.scripted_imagegen import imagegen_over, run_until_it_ended
from tests.unit.core.scripted_provider import ScriptedProvider, png

pytestmark = pytest.mark.anyio


class ChangingProvider(ScriptedProvider):
    """Makes another image at each download; ``downloads`` and ``inspections`` are scripts as well."""

    def __init__(self):
        super().__init__()
        self.downloads, self.inspections, self.downloaded = [], [], 0

    async def collect(self, call, receipt, exchange):
        async def chunks():
            await self._play(self.downloads)
            self.downloaded += 1
            yield png((self.downloaded, 0, 0))

        return ProviderResult(images=(GeneratedImage(chunks=chunks),))


class ScriptedInspector(ThreadInspector):
    """Inspects as the provider's script says."""

    def __init__(self, provider):
        super().__init__()
        self._provider = provider

    async def inspect(self, chunks):
        await self._provider._play(self._provider.inspections)
        return await super().inspect(chunks)


def adapters_over(provider):
    """Return adapters in memory whose inspector follows the provider's script."""
    adapters = memory_adapters(providers={"scripted": provider}, clock=ManualClock())
    return attrs.evolve(adapters, inspect=ScriptedInspector(provider).inspect)


def frozen_in(step, error=None):
    """Return two workers over the same adapters, of which the first is frozen in the step."""
    provider = ChangingProvider()
    adapters = adapters_over(provider)
    return TwoWorkers.with_frozen(lambda _: adapters, step, provider=provider, error=error)


async def is_intact(workers):
    """Return whether the task has completed, and its only image is stored as its record says."""
    adapters = workers.other.parts
    (image,) = await adapters.images.of_task(workers.task_id)
    content = b"".join([chunk async for chunk in adapters.blobs.open(image.blob_key)])
    status = (await adapters.tasks.get(workers.task_id)).status
    return (TaskStatus.COMPLETED, hashlib.sha256(content).hexdigest()) == (status, image.sha256)


async def test_what_is_stored_too_late_replaces_nothing():
    """The frozen worker still stores its download, which is another file than that of the record."""
    async with frozen_in("downloads") as workers:
        await workers.run_by_other()

        await workers.thaw()

        keys = [key async for key in workers.other.parts.blobs.keys("")]
        assert await is_intact(workers)
        assert (2, 2) == (workers.provider.downloaded, len(keys))


async def test_a_verdict_that_comes_too_late_removes_nothing():
    """The other worker has gone on from the file of the frozen one, whose decoder refuses it now."""
    error = ImageRejected(upstream_text("not an image"))
    async with frozen_in("inspections", error=error) as workers:
        await workers.run_by_other()

        await workers.thaw()

        assert await is_intact(workers)
        assert 1 == workers.provider.downloaded


async def test_a_rejected_image_is_removed():
    """It was no image, and nobody else has the task."""
    provider = ChangingProvider()
    provider.inspections.append(ImageRejected(upstream_text("not an image")))
    imagegen = imagegen_over(provider, adapters=adapters_over(provider))
    clock = imagegen.parts.clock

    task = await run_until_it_ended(imagegen, await imagegen.submit("猫"), clock)

    assert FailureCode.INVALID_IMAGE is task.failure.code
    assert [] == [key async for key in imagegen.parts.blobs.keys("")]
