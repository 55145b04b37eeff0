"""Waits for a task to end while the client is connected and the service can finish it."""

import asyncio
from collections.abc import Awaitable, Callable

from imagegen_core.tasks.task import Task, TaskStatus
from imagegen_http.runtime.service import Service

KEEP_ALIVE_SECONDS = 15.0

_POLL_SECONDS = 0.2


class ClientDisconnected(Exception):
    """The client disconnected, so nobody waits for the response; the task goes on."""


async def wait_for_end(
    service: Service,
    task_id: str,
    *,
    disconnect: "asyncio.Task[None]",
    seconds: float,
    meanwhile: Callable[[], Awaitable[object]] | None = None,
) -> Task:
    """Return the task once it has ended, or as it is after ``seconds`` or when the service stops first.

    ``meanwhile`` is called whenever nothing has happened for 15 seconds.

    Raises:
        ClientDisconnected: ``disconnect`` is done.
    """
    ended = asyncio.create_task(service.imagegen.wait(task_id, timeout=seconds))
    halted = asyncio.create_task(_halted(service, task_id))
    try:
        waits, pause = {ended, halted, disconnect}, None if meanwhile is None else KEEP_ALIVE_SECONDS
        while not (await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED))[0]:
            if meanwhile is not None:
                await meanwhile()
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
