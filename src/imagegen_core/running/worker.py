"""Claims tasks, tells the other nodes that this one is alive, and resumes what dead ones left."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import Phase, may_be_charged
from imagegen_core.errors import Failure, FailureCode, ImagegenError, StaleTask
from imagegen_core.limits import DEFAULT_BEAT_SECONDS
from imagegen_core.ports.cluster import CANCELLATIONS, Cluster
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock, HasRoom
from imagegen_core.problems import FailureReason
from imagegen_core.running.runner import EndTask, RunTask
from imagegen_core.running.slots import ProviderSlots, RunningTasks
from imagegen_core.task import MAX_RECOVERIES, Task

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ResumeTasks:
    """Requeues orphans; `RunAttempt` then resumes each attempt by its phase.

    Nothing that the provider may have received is sent again. A task of this node is an orphan only when it
    is found a second time without a run: a claim may be stored before the worker knows of it.
    """

    repository: TaskRepository
    queue: Queue
    cluster: Cluster
    running: RunningTasks
    end: EndTask
    clock: Clock
    _without_run: set[tuple[str, int]] = attrs.field(factory=set, init=False, repr=False, eq=False)

    async def __call__(self, *, owner: str) -> int:
        """Requeue all orphans and return their number; fail a task that crashed its process three times."""
        unattended = await self._unattended(owner)
        orphans = [task for task in unattended if task.owner != owner or self._is_given_up(task)]
        self._without_run.clear()
        self._without_run.update((task.task_id, task.epoch) for task in unattended if task.owner == owner)
        for task in orphans:
            with contextlib.suppress(StaleTask):  # another node was faster, or its owner is alive after all
                await self._resume(task, given_up=task.owner == owner)
        if orphans:
            _log.info("tasks of an earlier run are resumed", extra={"tasks": len(orphans)})
        return len(orphans)

    async def _unattended(self, owner: str) -> list[Task]:
        """Return the tasks that are processing, but neither at another living node nor running here.

        A node may join and claim a task between two statements, which can lie as far apart as this process
        stood still. So whoever owns a task that was found must be missing after that, too.
        """
        others = await self.cluster.alive(owner) - {owner}
        tasks = await self.repository.orphans(alive=others, running=self.running.task_ids)
        if any(task.owner != owner for task in tasks):
            others = await self.cluster.alive(owner) - {owner}
        return [task for task in tasks if task.owner not in others]

    def _is_given_up(self, task: Task) -> bool:
        return (task.task_id, task.epoch) in self._without_run

    async def _resume(self, task: Task, *, given_up: bool) -> None:
        attempts = await self.repository.attempts(task.task_id)
        decoding = any(a.phase is Phase.RECEIVED for a in attempts)
        if (decoding or given_up) and task.recoveries >= MAX_RECOVERIES:
            reason = FailureReason.CRASHED_OVER_RESPONSE() if decoding else FailureReason.DEFECT()
            failure = Failure.from_code(
                FailureCode.INTERNAL, reason, possible_charge=may_be_charged(attempts)
            )
            ended = task.fail(self.clock.now(), failure)
            await self.end(task=ended, holder=task.fence, attempts=attempts)
            return
        last_sent = max((a.number for a in attempts if a.phase is not Phase.RESERVED), default=0)
        is_recovery = decoding or given_up
        rescued = task.rescue(attempts=min(task.attempts, last_sent), is_recovery=is_recovery)
        await self.repository.save(task.fence, task=rescued)
        await self.queue.wake()


IDLE_SECONDS = 1.0
"""Interval at which the queue is polled at least, and the disk while it is full."""


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
        has_room: HasRoom,
        clock: Clock,
        owner: str,
        size: int,
    ) -> None:
        self._queue = queue
        self._run_task = run_task
        self._slots = slots
        self._concurrency = concurrency
        self._has_room = has_room
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
                elif not self._has_room():
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


class Node:
    """Shows that the process is alive, resumes tasks that nobody runs, and hears of cancellations elsewhere.

    It does so every ``beat_seconds``, from its start until its stop. Without ``resume`` it runs no tasks, and
    only shows that it is alive.
    """

    def __init__(
        self,
        *,
        name: str,
        cluster: Cluster,
        resume: ResumeTasks | None,
        running: RunningTasks,
        beat_seconds: float = DEFAULT_BEAT_SECONDS,
    ) -> None:
        self._name = name
        self._beat_seconds = beat_seconds
        self._cluster = cluster
        self._resume = resume
        self._running = running
        self._cancellation = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        cluster.hear(CANCELLATIONS, self._look_for_cancellation)

    async def start(self) -> None:
        """Join, and resume what an earlier process left unfinished, before anything is claimed."""
        await self._cluster.join(self._name)
        # Apart, since a beat must not wait for a long list of tasks.
        acts: list[tuple[Callable[[], Awaitable[object]], str, asyncio.Event]] = [
            (partial(self._cluster.beat, self._name), "a beat failed", asyncio.Event())
        ]
        if self._resume is not None:
            resume = partial(self._resume, owner=self._name)
            await resume()
            acts += [
                (resume, "no orphans could be resumed", asyncio.Event()),
                (
                    self._running.notice_cancellations,
                    "no cancellations could be looked for",
                    self._cancellation,
                ),
            ]
        self._loops = [asyncio.create_task(self._repeat(*act), name=act[1]) for act in acts]

    async def stop(self) -> None:
        """Leave: what this process still has is for others from now on. A second call does nothing."""
        if not self._loops:
            return
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        try:
            await self._cluster.leave(self._name)
        except ImagegenError as error:
            _log.warning("other nodes will notice late that this one is gone", extra={"reason": str(error)})

    def _look_for_cancellation(self, task_id: str) -> None:
        """Look now, not at the next beat, whether the cancellation of a task was requested at another node.

        An empty id stands for all tasks. Nothing happens if this node does not run the task.
        """
        if not task_id or task_id in self._running.task_ids:
            self._cancellation.set()

    async def _repeat(self, act: Callable[[], Awaitable[object]], failure: str, hint: asyncio.Event) -> None:
        """Repeat it for good, sooner after a hint; log ``failure`` with whatever it raises."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._beat_seconds):
                    await hint.wait()
            hint.clear()
            try:
                await act()
            except ImagegenError as error:
                _log.warning(failure, extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception(failure)
