"""Claims tasks, runs each to its end or requeues it, and resumes what dead processes left."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import Attempt, AttemptOutcome, Phase, charged_nothing, may_be_charged
from imagegen_core.errors import (
    CallError,
    Failure,
    FailureCode,
    ImagegenError,
    KeysLocked,
    Refusal,
    StaleTask,
    StorageBroken,
    StorageError,
    StorageUnreachable,
    Unavailable,
)
from imagegen_core.images import Image
from imagegen_core.messages import FailureReason, Message
from imagegen_core.policies import DISK_RETRY_SECONDS, RetryPolicy, deferral, settle
from imagegen_core.ports.cluster import BATCHES, CANCELLATIONS
from imagegen_core.ports.parts import Parts
from imagegen_core.running.calls import CallPlan, Calls, refusal_failure, stopped_midway
from imagegen_core.running.slots import ProviderSlots, RunningTask
from imagegen_core.task import MAX_RECOVERIES, Fence, Task, TaskStatus

IDLE_SECONDS = 1.0  # the longest pause between looks at the queue, and at the disk while it is full
_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Runner:
    """Splits a task into paid calls, runs each, and settles the task by their outcomes.

    ``on_images`` is called with images that were stored. ``keep_inputs`` keeps the caller's input
    images for good. Otherwise a completed task's are removed, and those of another stay in the spool for a
    retry. ``runs`` are the tasks that this process runs, by their ids.
    """

    parts: Parts
    calls: Calls
    slots: ProviderSlots
    retry: RetryPolicy
    random: Callable[[], float]
    on_images: Callable[[tuple[Image, ...]], object]
    keep_inputs: bool
    runs: dict[str, RunningTask] = attrs.field(factory=dict, init=False)

    async def run(self, task: Task) -> None:
        """Run a claimed task to its end or requeue it; when cancelled, store its state."""
        with self.slots.ticket(task.provider_name, is_last=task.batch is not None) as ticket:
            run = RunningTask(task=task, parts=self.parts, on_images=self.on_images, ticket=ticket)
            self.runs[task.task_id] = run
            try:
                await self._run(run)
                await asyncio.sleep(0)  # those who wait for the task are next, and find its end in ``runs``
            except asyncio.CancelledError:
                with contextlib.suppress(StaleTask):
                    await self.stop(run)
                raise
            except StaleTask:
                _log.warning("the task was given to another worker", extra={"task_id": task.task_id})
            except (StorageError, Unavailable) as error:
                details = {"task_id": task.task_id, "reason": str(error)}
                _log.warning("the task waits for the disk", extra=details)
                ticket.yield_turn()
                await self._requeue_after_storage_error(run, error)
            except Exception:  # noqa: BLE001 - a defect of ours must end the task, not the worker
                _log.exception("running the task failed", extra={"task_id": task.task_id})
                ticket.yield_turn()
                await self._until_stored(
                    run, lambda: self._fail(run, FailureCode.INTERNAL, FailureReason.DEFECT())
                )
            finally:
                if self.runs.get(task.task_id) is run:  # not a newer one of the same task
                    del self.runs[task.task_id]

    async def _run(self, run: RunningTask) -> None:
        # The first claim of a task has no attempts, and asks nobody.
        attempts = () if run.task.epoch == 1 else await self.parts.tasks.attempts(run.task.task_id)
        run.images, run.has_spooled = (None, True) if attempts else ((), False)
        has_active = any(a.phase not in (Phase.RESERVED, Phase.FAILED) for a in attempts)
        now, charged = self.parts.clock.now(), may_be_charged(attempts)
        attempts = tuple(a for a in attempts if a.number > (run.task.earlier_attempts or 0))
        if run.cancelled.is_set() and not has_active:
            await self.end(run.task.cancel(now, possible_charge=charged), run)
            return
        try:
            plan = await self.calls.plan(run.task, attempts)
        except Unavailable as error:
            _log.warning(
                "the task waits until its provider can be used",
                extra={"task_id": run.task.task_id, "provider": run.task.provider_name, "reason": str(error)},
            )
            later = self.parts.clock.now() + deferral(error)
            await self._requeue(run, run.task.requeue(not_before=later, locked=isinstance(error, KeysLocked)))
            return
        except Refusal as refusal:
            failure = refusal_failure(refusal, charged=charged)
            outcomes = [AttemptOutcome(error=CallError.from_failure(failure))]
        else:
            outcomes = await self._run_parts(run, plan, {a.part: a for a in attempts})
        if any(outcome.not_begun for outcome in outcomes):
            await self.stop(run)
            return
        task = settle(
            run.task,
            outcomes,
            cancelled=run.cancelled.is_set(),
            charged_nothing=charged_nothing((*attempts, *run.attempts.values())),
            now=self.parts.clock.now(),
            retry=self.retry,
            random=self.random,
        )
        if task.status.final:
            await self.end(task, run)
        else:
            is_moved = task.provider_name != run.task.provider_name
            await self._requeue(run, task)
            codes = {str(outcome.error.failure.code) for outcome in outcomes if outcome.error is not None}
            now = self.parts.clock.now()
            _log.info(
                "the task goes on to another provider" if is_moved else "the task waits for another try",
                extra={
                    "task_id": task.task_id,
                    "provider": task.provider_name,
                    "error": ", ".join(sorted(codes)),
                    "seconds": round(((task.not_before or now) - now).total_seconds(), 1),
                },
            )
        if run.closing is not None:
            await self.calls.discard_response(run, run.closing)

    async def _run_parts(
        self, run: RunningTask, plan: CallPlan, latest: dict[int, Attempt]
    ) -> list[AttemptOutcome]:
        calls = plan.calls.values()
        run.free = bool(calls) and all(planned.resolved.profile.free for planned in calls)
        # All are stored with the first that is sent, so that their number is on disk once it may be paid for.
        run.stage(task=run.task.count_attempt() if plan.may_send(latest) else run.task)
        parts = sorted({*plan.calls, *(latest if plan.refusal is not None else ())})
        steps = [self.calls.follow(run, plan, part, latest.get(part)) for part in parts]
        for part in parts:
            # A process that died after storing a final phase left its spooled response. One that only seems
            # dead may still be spooling, and keeps its response aside.
            if part in latest and not latest[part].is_active:
                await self.calls.discard_response(run, latest[part])

        async def drive(step: Attempt | AttemptOutcome) -> AttemptOutcome:
            if isinstance(step, AttemptOutcome):
                return step
            return await self.calls.run(run, plan.calls[step.part], step)

        # If one fails, the others still run to their end before it is raised.
        results = await asyncio.gather(*map(drive, steps), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def _requeue(self, run: RunningTask, task: Task) -> None:
        await run.save(task)
        await self.parts.queue.wake()

    # ---------------------------------------------------------------- end

    async def end(self, task: Task, holder: RunningTask | Fence, attempts: Iterable[Attempt] = ()) -> None:
        """Store the final ``task`` and its ``attempts``, the active ones ended; no task ends otherwise.

        ``holder`` is its run, or the fence of the stored task that has none. If this raises, nothing is
        stored.
        """
        ended = [
            attempt.ended_with_task(task.completed_at, task.failure)
            if attempt.is_active and task.failure is not None and task.completed_at is not None
            else attempt
            for attempt in attempts
        ]
        if isinstance(holder, Fence):
            await self.parts.tasks.save(holder, task=task, attempts=ended)
        else:
            await holder.save(task, ended)
        await self._release_inputs(task)
        await self.parts.queue.notify(task.task_id)
        self.parts.webhooks.changed.set()
        if task.batch_id is not None:
            self.parts.cluster.tell(BATCHES, task.batch_id)
        await self._log_end(task, None if isinstance(holder, Fence) else holder.images)

    async def _release_inputs(self, task: Task) -> None:
        if not task.request.inputs:
            return
        try:
            if self.keep_inputs:
                await self.parts.spool.keep(task.task_id, task.request.sent_inputs)
            elif task.status is TaskStatus.COMPLETED:
                await self.parts.spool.remove(task.task_id)
        except StorageError:  # the next sweep does it
            _log.warning("the inputs of a task stay spooled for now", extra={"task_id": task.task_id})

    async def _log_end(self, task: Task, images: tuple[Image, ...] | None) -> None:
        """Log the end of every task, so that the log accounts for all payments; never the prompt."""
        if images is None:
            with contextlib.suppress(StorageError, Unavailable):  # only the log line needs it
                images = await self.parts.images.of_task(task.task_id)
        ended, started = task.completed_at or task.created_at, task.started_at or task.created_at
        _log.info(
            "the task is completed" if task.failure is None else "the task failed or was cancelled",
            extra={
                "task_id": task.task_id,
                "error": None if task.failure is None else task.failure.code,
                "provider": task.provider_name,
                "model": task.model_id,
                "images": None if images is None else len(images),
                "seconds": round((ended - started).total_seconds(), 3),
            },
        )

    # ---------------------------------------------------------------- interrupt

    async def stop(self, run: RunningTask, *, store_failed: bool = False) -> None:
        """Store the state of a task whose worker must end now, without hiding what may have been charged.

        Reserved parts are requeued, accepted ones resumed at the next start; a submission in flight has an
        unknown outcome.
        """
        now, task = self.parts.clock.now(), run.task
        if task.status is not TaskStatus.PROCESSING:
            return
        unknown = stopped_midway()
        unstored = [a for a in run.attempts.values() if a.phase is not Phase.STORED]
        in_flight = [a for a in unstored if a.phase is Phase.SUBMITTING and not run.free]
        run.stage(attempts=(a.failed(now, unknown) if a in in_flight else a for a in unstored))
        alive = any(a.phase is not Phase.FAILED for a in await self._attempts(run))
        if in_flight and not alive:
            await self.end(task.fail(now, unknown), run)
            return
        only_reserved = bool(run.attempts) and all(a.phase is Phase.RESERVED for a in run.attempts.values())
        attempts = max(0, task.attempts - 1) if only_reserved else task.attempts
        await run.save(task.requeue(attempts=attempts, store_failed=store_failed))

    async def _requeue_after_storage_error(self, run: RunningTask, error: StorageError | Unavailable) -> None:
        """Store the task's state and requeue it once the disk accepts writes.

        A disk that keeps failing over this task fails it; a database that was away, or had too much to do,
        says nothing about the task.
        """
        store_failed = not isinstance(error, (StorageUnreachable, Unavailable))

        async def requeue() -> None:
            if run.task.status.final:
                return
            if store_failed and run.task.store_failures >= MAX_RECOVERIES:
                await self._fail(run, FailureCode.STORAGE_FAILED, FailureReason.DISK_FAILED())
            else:
                await self.stop(run, store_failed=store_failed)
                await self.parts.queue.wake()

        await self.parts.clock.sleep(DISK_RETRY_SECONDS)
        await self._until_stored(run, requeue)

    async def _until_stored(self, run: RunningTask, store: Callable[[], Awaitable[None]]) -> None:
        """Repeat it until the disk accepts that; the task occupies a worker meanwhile.

        If the disk stays broken, the task is recovered at the next start.
        """
        while True:
            try:
                await store()
            except StaleTask:
                return
            except Exception as error:  # noqa: BLE001 - logged, and left to those who resume tasks
                if isinstance(error, (StorageError, Unavailable)) and not isinstance(error, StorageBroken):
                    await self.parts.clock.sleep(DISK_RETRY_SECONDS)
                    continue
                details = {"task_id": run.task.task_id}
                _log.exception("the task could not be stored; it is resumed later", extra=details)
            return

    async def _fail(self, run: RunningTask, code: FailureCode, reason: Message) -> None:
        """Fail the task through no fault of its provider, without hiding what may have been charged."""
        if run.task.status is not TaskStatus.PROCESSING:
            return
        # The disk may have refused the end of an attempt before.
        run.stage(attempts=[a for a in run.attempts.values() if a.phase is Phase.FAILED])
        attempts = await self._attempts(run)
        failure = Failure(code, reason, possible_charge=may_be_charged(attempts))
        await self.end(run.task.fail(self.parts.clock.now(), failure), run, attempts)

    async def _attempts(self, run: RunningTask) -> tuple[Attempt, ...]:
        """Return all attempts of the task; those of this run may be newer than the stored ones."""
        stored = {a.attempt_id: a for a in await self.parts.tasks.attempts(run.task.task_id)}
        return tuple((stored | {a.attempt_id: a for a in run.attempts.values()}).values())


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
                    seconds = await self._claim()
                    await _first_of(self._parts.queue.wait(seconds), self._changed.wait(), timeout=seconds)
            except ImagegenError as error:
                _log.warning("no tasks can be claimed", extra={"reason": str(error)})
                await self._parts.clock.sleep(IDLE_SECONDS)
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("claiming tasks failed")
                await self._parts.clock.sleep(IDLE_SECONDS)

    async def _claim(self) -> float:
        """Claim and run the oldest tasks below limits; return the seconds to the next look at the queue."""
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
        due, now = demand.next_due, self._parts.clock.now()
        return min(IDLE_SECONDS, (due - now).total_seconds()) if due and due > now else IDLE_SECONDS

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
        await self._parts.cluster.beat(self._name)
        if self._runs_tasks:
            await self.resume()
        # A loop of its own: a beat must not wait for a long list of tasks.
        loops = [self._repeat(partial(self._parts.cluster.beat, self._name), "a beat failed")]
        if self._runs_tasks:
            loops.append(self._repeat(self.resume, "no orphans could be resumed"))
            failure = "no cancellations could be looked for"
            loops.append(self._repeat(self._notice_cancellations, failure, self._cancellation))
        self._loops = [asyncio.create_task(loop, name="node") for loop in loops]

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

    async def _repeat(
        self, act: Callable[[], Awaitable[object]], failure: str, hint: asyncio.Event | None = None
    ) -> None:
        hint = hint or asyncio.Event()
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
