"""Claims tasks, tells the other nodes that this one is alive, and resumes what dead ones left."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from imagegen_core.attempt import Phase, may_be_charged
from imagegen_core.errors import Failure, FailureCode, ImagegenError, StaleTask
from imagegen_core.messages import FailureReason
from imagegen_core.ports.cluster import CANCELLATIONS
from imagegen_core.running.runner import Runner
from imagegen_core.task import MAX_RECOVERIES, Task

IDLE_SECONDS = 1.0  # the longest pause between looks at the queue, and at the disk while it is full
_log = logging.getLogger(__name__)


class Worker:
    """Runs up to ``size`` tasks at once until it is stopped.

    ``concurrency`` returns how many tasks of a provider may run at once; None for no limit.
    """

    def __init__(
        self, runner: Runner, concurrency: Callable[[str], Awaitable[int | None]], *, owner: str, size: int
    ) -> None:
        self._runner = runner
        self._parts = runner.parts
        self._concurrency = concurrency
        self._owner = owner
        self._size = size
        self._stopping = False
        self._changed = asyncio.Event()
        self._wake_when_done = True
        self._runs: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._claim_forever(), name="worker")

    @property
    def busy(self) -> int:
        return len(self._runs)

    async def stop(self, *, grace_seconds: float, force: asyncio.Event | None = None) -> None:
        """Claim no more, let running tasks finish within the grace time, then store the others' state.

        ``force`` ends the grace time early.
        """
        self._stopping = True
        self._changed.set()
        if self._loop is not None:
            await asyncio.gather(self._loop, return_exceptions=True)
        self._runner.slots.close()  # a call that starts now might not end within the grace time
        if self._runs:
            _log.info("waiting for running tasks", extra={"tasks": len(self._runs)})
            forced = (force or asyncio.Event()).wait()
            # Of a copy: the set may be empty before the wait begins.
            await _first_of(asyncio.wait(set(self._runs)), forced, timeout=grace_seconds)
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _claim_forever(self) -> None:
        while not self._stopping:
            self._changed.clear()
            self._wake_when_done = True  # unless the claim below finds that no provider is at its limit
            try:
                if len(self._runs) >= self._size:
                    await self._changed.wait()
                elif not self._parts.has_room():
                    await _first_of(self._changed.wait(), timeout=IDLE_SECONDS)
                else:
                    await self._wait(await self._claim())
            except ImagegenError as error:
                _log.warning("no tasks can be claimed", extra={"reason": str(error)})
                await self._parts.clock.sleep(IDLE_SECONDS)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("claiming tasks failed")
                await self._parts.clock.sleep(IDLE_SECONDS)

    async def _claim(self) -> datetime | None:
        """Claim and run the oldest tasks below limits; return when the next deferred one is due, if any."""
        capacity, now = self._size - len(self._runs), self._parts.clock.now()
        # A provider at its limit runs at least one task, so at least ``capacity`` of these providers are
        # below theirs: enough to find the oldest claimable tasks.
        demand = await self._parts.queue.demand(now=now, limit=self._size)
        running = Counter(demand.processing)
        limits = {name: await self._limit(name, running[name]) for name in running}
        open_limits = {name: limits[name] for name in running if running[name] < limits[name]}
        if open_limits:
            tasks = await self._parts.queue.claim(
                self._owner, limit=capacity, now=now, provider_limits=open_limits
            )
            for task in tasks:
                run = asyncio.create_task(self._runner.run(task), name=f"task {task.task_id}")
                self._runs.add(run)
                run.add_done_callback(self._on_finished)
            running.update(task.provider_name for task in tasks)
        self._wake_when_done = any(running[name] >= limits[name] for name in limits)
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

    def _on_finished(self, run: asyncio.Task[None]) -> None:
        self._runs.discard(run)
        if self._wake_when_done:
            self._changed.set()

    async def _wait(self, due: datetime | None) -> None:
        """Wait for a new task, a due one, or the end of one that others wait for; a second at most."""
        now = self._parts.clock.now()
        timeout = IDLE_SECONDS
        if due is not None and due > now:
            timeout = min(timeout, (due - now).total_seconds())
        await _first_of(self._parts.queue.wait(timeout), self._changed.wait(), timeout=timeout)


async def _first_of(*acts: Coroutine[Any, Any, object], timeout: float) -> None:
    """Return once one of the acts ends or time is up; raise what it raises, and cancel the others."""
    tasks = {asyncio.create_task(act) for act in acts}
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


class Node:
    """Beats for this process, resumes tasks that nobody runs, and hears of cancellations elsewhere.

    All of it every ``beat_seconds``. Unless it ``runs_tasks``, it only beats.
    """

    def __init__(self, runner: Runner, *, name: str, runs_tasks: bool, beat_seconds: float) -> None:
        self._runner = runner
        self._parts = runner.parts
        self._name = name
        self._runs_tasks = runs_tasks
        self._beat_seconds = beat_seconds
        self._without_run: set[tuple[str, int]] = set()
        self._cancellation = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._parts.cluster.hear(CANCELLATIONS, self._hear_cancellation)

    async def start(self) -> None:
        """Join, and resume what an earlier process left unfinished, before anything is claimed."""
        await self._parts.cluster.join(self._name)
        beat = partial(self._parts.cluster.beat, self._name)
        # A loop of its own: a beat must not wait for a long list of tasks.
        acts: list[tuple[Callable[[], Awaitable[object]], str, asyncio.Event]] = [
            (beat, "a beat failed", asyncio.Event())
        ]
        if self._runs_tasks:
            await self.resume()
            failure = "no cancellations could be looked for"
            acts.append((self.resume, "no orphans could be resumed", asyncio.Event()))
            acts.append((self._notice_cancellations, failure, self._cancellation))
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
            await self._parts.cluster.leave(self._name)
        except ImagegenError as error:
            _log.warning("other nodes will notice late that this one is gone", extra={"reason": str(error)})

    def _hear_cancellation(self, task_id: str) -> None:
        if not task_id or task_id in self._runner.runs:
            self._cancellation.set()

    async def _notice_cancellations(self) -> None:
        """Tell the runs whose cancellation was requested, perhaps at another node."""
        runs = self._runner.runs
        unaware = [task_id for task_id, run in runs.items() if not run.cancelled.is_set()]
        for task_id in await self._parts.tasks.cancel_requests(unaware) if unaware else ():
            if task_id in runs:
                runs[task_id].cancelled.set()

    async def _repeat(self, act: Callable[[], Awaitable[object]], failure: str, hint: asyncio.Event) -> None:
        while True:
            await _first_of(hint.wait(), timeout=self._beat_seconds)
            hint.clear()
            try:
                await act()
            except ImagegenError as error:
                _log.warning(failure, extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception(failure)

    async def resume(self) -> int:
        """Requeue all orphans and return their number; fail a task that crashed its process three times.

        `Calls` resumes each attempt by its phase: nothing that the provider may have received is sent again.
        A task of this node counts as an orphan when it is found twice without a run, since a claim may be
        stored before the worker knows of it.
        """
        unattended = await self._unattended()
        own = {(task.task_id, task.epoch) for task in unattended if task.owner == self._name}
        given_up, self._without_run = own & self._without_run, own
        orphans = [t for t in unattended if t.owner != self._name or (t.task_id, t.epoch) in given_up]
        for task in orphans:
            with contextlib.suppress(StaleTask):  # another node was faster, or its owner is alive after all
                await self._resume(task, given_up=task.owner == self._name)
        if orphans:
            _log.info("tasks of an earlier run are resumed", extra={"tasks": len(orphans)})
        return len(orphans)

    async def _unattended(self) -> list[Task]:
        """Return the tasks that are processing, but neither at another living node nor running here.

        A node may join and claim a task between the two reads, however far apart they are. So the owner of a
        task that was found has to be missing after that, too.
        """
        alive = self._parts.cluster.alive
        others = await alive(self._name) - {self._name}
        tasks = await self._parts.tasks.orphans(alive=others, running=frozenset(self._runner.runs))
        if any(task.owner != self._name for task in tasks):
            others = await alive(self._name) - {self._name}
        return [task for task in tasks if task.owner not in others]

    async def _resume(self, task: Task, *, given_up: bool) -> None:
        attempts = await self._parts.tasks.attempts(task.task_id)
        decoding = any(a.phase is Phase.RECEIVED for a in attempts)
        if (decoding or given_up) and task.recoveries >= MAX_RECOVERIES:
            reason = FailureReason.CRASHED_OVER_RESPONSE() if decoding else FailureReason.DEFECT()
            failure = Failure(FailureCode.INTERNAL, reason, possible_charge=may_be_charged(attempts))
            await self._runner.end(task.fail(self._parts.clock.now(), failure), task.fence, attempts)
            return
        last_sent = max((a.number for a in attempts if a.phase is not Phase.RESERVED), default=0)
        rescued = task.rescue(attempts=min(task.attempts, last_sent), is_recovery=decoding or given_up)
        await self._parts.tasks.save(task.fence, task=rescued)
        await self._parts.queue.wake()
