"""Waits for a task to end while the client is connected and the service can finish it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

import attrs

from imagegen_core.task import Task, TaskStatus
from imagegen_http.runtime.service import Service

KEEP_ALIVE_SECONDS = 15.0

_POLL_SECONDS = 0.2


class ClientDisconnected(Exception):
    """The client disconnected, so nobody waits for the response; the task goes on."""


@attrs.frozen(kw_only=True)
class Interlude:
    """What to do while a task runs: ``act`` whenever ``wake`` is set, and when 15 seconds have passed."""

    act: Callable[[], Awaitable[object]]
    wake: asyncio.Event

    async def play_until(self, ends: Collection["asyncio.Task[Any]"]) -> None:
        """Act again and again until one of the tasks is done."""
        while True:
            pause = asyncio.create_task(self._pause())
            await asyncio.wait({*ends, pause}, return_when=asyncio.FIRST_COMPLETED)
            if any(end.done() for end in ends):
                pause.cancel()
                return
            await self.act()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), KEEP_ALIVE_SECONDS)
        self.wake.clear()


async def wait_for_end(
    service: Service,
    task_id: str,
    *,
    disconnect: "asyncio.Task[None]",
    seconds: float,
    interlude: Interlude | None = None,
) -> Task:
    """Return the task once it has ended, or as it is after ``seconds`` or when the service stops first.

    Raises:
        ClientDisconnected: ``disconnect`` is done.
    """
    ended = asyncio.create_task(service.imagegen.wait(task_id, timeout=seconds))
    halted = asyncio.create_task(_halted(service, task_id))
    try:
        waits = {ended, halted, disconnect}
        if interlude is None:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        else:
            await interlude.play_until(waits)
        if disconnect.done():
            raise ClientDisconnected
        return ended.result() if ended.done() else await service.imagegen.adapters.tasks.get(task_id)
    finally:
        ended.cancel()
        halted.cancel()


async def _halted(service: Service, task_id: str) -> None:
    """Return once the service stops and the task cannot go on before the next start."""
    await service.stopping.wait()
    task = await service.imagegen.adapters.tasks.get(task_id)
    if task.status is TaskStatus.PENDING:
        return
    while service.imagegen.worker.busy:  # noqa: ASYNC110 - the worker has no event to wait for, and this is rare
        await asyncio.sleep(_POLL_SECONDS)
