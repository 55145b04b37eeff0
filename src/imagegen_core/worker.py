"""The loop that claims tasks and passes them to `RunTask`; a waiting call costs kilobytes, not a thread."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from imagegen_core.errors import ImagegenError
from imagegen_core.execution.provider_slots import ProviderSlots
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.disk_space import DiskSpace
from imagegen_core.ports.queue import Queue
from imagegen_core.task import Task
from imagegen_core.use_cases.run_task import RunTask

IDLE_SECONDS = 1.0
"""Interval at which the queue is polled at least, and the disk while it is full."""

_log = logging.getLogger(__name__)


class Worker:
    """Runs up to ``size`` tasks at once until it is stopped.

    ``concurrency`` returns how many tasks of a provider may run at once; None for no limit of its own.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        run_task: RunTask,
        slots: ProviderSlots,
        concurrency: Callable[[str], Awaitable[int | None]],
        disk: DiskSpace,
        clock: Clock,
        owner: str,
        size: int,
    ) -> None:
        self._queue = queue
        self._run_task = run_task
        self._slots = slots
        self._concurrency = concurrency
        self._disk = disk
        self._clock = clock
        self._owner = owner
        self._size = size
        self._stopping = False
        self._changed = asyncio.Event()
        self._saturated = True
        self._runs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start claiming."""
        self._loop = asyncio.create_task(self._claim_forever(), name="worker")

    @property
    def busy(self) -> int:
        """The number of running tasks."""
        return len(self._runs)

    async def stop(self, *, grace_seconds: float, force: asyncio.Event | None = None) -> None:
        """Start nothing more, let running tasks finish within the grace time, then store the others' state.

        ``force`` ends the grace time early.
        """
        self._stopping = True
        self._changed.set()
        if self._loop is not None:
            await asyncio.gather(self._loop, return_exceptions=True)
        self._slots.close()  # a call that starts now might not end within the grace time
        if self._runs:
            _log.info("waiting for running tasks", extra={"tasks": len(self._runs)})
            await self._grace(grace_seconds, force or asyncio.Event())
        for run in self._runs:
            run.cancel()
        if self._runs:
            await asyncio.gather(*self._runs, return_exceptions=True)

    async def _grace(self, seconds: float, force: asyncio.Event) -> None:
        finished = asyncio.create_task(asyncio.wait(self._runs))
        forced = asyncio.create_task(force.wait())
        await asyncio.wait({finished, forced}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finished.cancel()
        forced.cancel()

    async def _claim_forever(self) -> None:
        while not self._stopping:
            self._changed.clear()
            self._saturated = True  # until a claim shows that nothing waits for the end of a task
            try:
                if len(self._runs) >= self._size:
                    await self._changed.wait()
                elif not self._disk.sufficient():
                    await self._wait_for_disk()
                else:
                    await self._wait(await self._claim())
            except ImagegenError as error:
                _log.warning("no tasks can be claimed", extra={"reason": str(error)})
                await self._clock.sleep(IDLE_SECONDS)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("claiming tasks failed")
                await self._clock.sleep(IDLE_SECONDS)

    async def _claim(self) -> datetime | None:
        """Claim and launch the oldest tasks whose providers are below their limits.

        Returns when the earliest deferred task becomes due; None if none is deferred.
        """
        capacity, now = self._size - len(self._runs), self._clock.now()
        # A provider at its limit runs at least one task, so at least ``capacity`` of these providers are
        # below theirs: enough to find the oldest claimable tasks.
        demand = await self._queue.demand(now=now, limit=self._size)
        running = Counter(demand.processing)
        limits = {name: await self._limit(name, running[name]) for name in running}
        open_limits = {name: limits[name] for name in running if running[name] < limits[name]}
        if open_limits:
            tasks = await self._queue.claim(self._owner, limit=capacity, now=now, provider_limits=open_limits)
            for task in tasks:
                self._launch(task)
            running.update(task.provider_name for task in tasks)
        self._saturated = any(running[name] >= limits[name] for name in limits)
        return demand.next_due

    async def _limit(self, provider_name: str, running: int) -> int:
        """Return how many tasks of the provider may run; without a limit, whatever other nodes run."""
        unlimited = running + self._size
        try:
            return await self._concurrency(provider_name) or unlimited
        except ImagegenError:
            raise
        except Exception:  # noqa: BLE001 - a defect in one provider stops no other; its own tasks fail on it
            _log.exception("a provider's limit cannot be determined", extra={"provider": provider_name})
            return unlimited

    def _launch(self, task: Task) -> None:
        run = asyncio.create_task(self._run_task(task=task), name=f"task {task.task_id}")
        self._runs.add(run)
        run.add_done_callback(self._on_finished)

    def _on_finished(self, run: asyncio.Task[None]) -> None:
        self._runs.discard(run)
        if self._saturated:
            self._changed.set()

    async def _wait_for_disk(self) -> None:
        """Sleep for a second, or until a task ends; a new task cannot start while the disk is full."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._changed.wait()

    async def _wait(self, due: datetime | None) -> None:
        """Sleep until a task is enqueued, is due, or ends while others wait for that, or for a second."""
        now = self._clock.now()
        timeout = IDLE_SECONDS
        if due is not None and due > now:
            timeout = min(timeout, (due - now).total_seconds())
        waits: set[asyncio.Task[Any]] = {
            asyncio.create_task(self._queue.wait(timeout)),
            asyncio.create_task(self._changed.wait()),
        }
        done, pending = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for wait in done:
            wait.result()
