"""A worker that is frozen in the middle of a task, while another gets the task and ends it."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager

import attrs

from imagegen_core import ImageGen
from tests.unit.core.scripted_imagegen import imagegen_over
from tests.unit.core.scripted_provider import ScriptedProvider


@attrs.define
class Gate:
    """A step of a provider that waits until the test lets it go on, and may be an error then."""

    error: Exception | None = None
    reached: asyncio.Event = attrs.field(factory=asyncio.Event)
    released: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self):
        self.reached.set()
        await self.released.wait()
        if self.error is not None:
            raise self.error


@attrs.define(kw_only=True)
class TwoWorkers:
    """Two services over the same rows; the first is frozen in ``step`` of its call, "submits" for example."""

    provider: ScriptedProvider
    frozen: ImageGen
    other: ImageGen
    gate: Gate
    task_id: str
    run: asyncio.Task

    @classmethod
    @asynccontextmanager
    async def with_frozen(cls, open_adapters: Callable, step: str, *, provider=None, error=None):
        """Submit a task, run it until the step, and have the second service rescue it."""
        provider, gate = provider or ScriptedProvider(as_job=step == "polls"), Gate(error)
        getattr(provider, step).append(gate)
        frozen, other = (imagegen_over(provider, adapters=open_adapters(provider)) for _ in range(2))
        task = await frozen.submit("猫")
        run = asyncio.create_task(frozen.runner.run(await claimed(frozen)))
        await gate.reached.wait()
        await other.node.resume()
        try:
            yield cls(provider=provider, frozen=frozen, other=other, gate=gate, task_id=task.task_id, run=run)
        finally:
            gate.released.set()
            await asyncio.wait({run})

    async def run_by_other(self):
        """Let the second worker run the task to its end, and return it."""
        await self.other.runner.run(await claimed(self.other))
        return await self.other.parts.tasks.get(self.task_id)

    async def thaw(self):
        """Let the first worker go on to the end of its run."""
        self.gate.released.set()
        await self.run

    async def stored(self):
        """Return all that a run of the task may write."""
        adapters = self.other.parts
        return (
            await adapters.tasks.get(self.task_id),
            await adapters.tasks.attempts(self.task_id),
            await adapters.images.of_task(self.task_id),
            await adapters.queue.last_event_id(self.task_id),
        )


async def claimed(imagegen):
    """Return the only pending task, claimed by this service."""
    adapters = imagegen.parts
    (task,) = await adapters.queue.claim(
        imagegen.owner, limit=1, now=adapters.clock.now(), provider_limits={"scripted": 9}
    )
    return task
