"""The tasks that this process is running, each with the only value of it that may be saved."""

import asyncio
from collections.abc import Sequence

import attrs

from imagegen_core.execution.provider_slots import Ticket
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.tasks.attempt import Attempt, Phase
from imagegen_core.tasks.task import Task


@attrs.define(eq=False)
class RunningTask:
    """A claimed task. All changes go through it, so that progress, cancellation and the end never collide.

    ``free``: its provider's calls cost nothing, as far as is known yet.
    """

    task: Task
    repository: TaskRepository
    ticket: Ticket
    attempts: dict[int, Attempt] = attrs.field(factory=dict)
    free: bool = False
    cancelled: asyncio.Event = attrs.field(factory=asyncio.Event)
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    def __attrs_post_init__(self) -> None:
        if self.task.cancel_requested:
            self.cancelled.set()

    async def save(self, task: Task, attempts: Sequence[Attempt] = ()) -> Task:
        """Store a changed value of the task and continue from it; a requested cancellation is never lost.

        ``attempts`` are stored in the same transaction, or not at all.

        Raises:
            StaleTask: another worker has claimed the task; this run must stop.
        """
        async with self._lock:
            if self.cancelled.is_set() and not task.status.final:
                task = attrs.evolve(task, cancel_requested=True)
            await self.repository.save(task, attempts)
            self.task = task
            self.attempts.update({attempt.part: attempt for attempt in attempts})
            return task

    async def request_cancel(self) -> Task:
        """Record durably that a caller cancels the task, and notify its run."""
        self.cancelled.set()
        async with self._lock:
            if not self.task.status.final:
                self.task = self.task.request_cancel()
                await self.repository.save(self.task)
            return self.task

    async def save_progress(self, fraction: float) -> bool:
        """Store the provider's progress; return False if the task has ended, since no event may follow."""
        async with self._lock:
            if self.task.status.final:
                return False
            self.task = attrs.evolve(self.task, progress=fraction)
            await self.repository.save(self.task)
            return True

    async def save_attempt(self, attempt: Attempt) -> Attempt:
        """Store a changed attempt before the step that it announces.

        `attempts` is correct even if this is cancelled halfway: a response counts as soon as it has arrived,
        a submission only once it is on disk, because nothing is sent before that.
        """
        if attempt.phase is not Phase.SUBMITTING:
            self.attempts[attempt.part] = attempt
        await self.repository.save_attempt(attempt)
        self.attempts[attempt.part] = attempt
        return attempt


class RunningTasks:
    """Runs by the ids of their tasks."""

    def __init__(self) -> None:
        self._runs: dict[str, RunningTask] = {}

    def start(self, task: Task, repository: TaskRepository, ticket: Ticket) -> RunningTask:
        """Add the run of a task that was just claimed."""
        run = RunningTask(task=task, repository=repository, ticket=ticket)
        self._runs[task.task_id] = run
        return run

    def end(self, task_id: str) -> None:
        """Remove the run of a task."""
        self._runs.pop(task_id, None)

    def get(self, task_id: str) -> RunningTask | None:
        """Return the run of a task, or None if this process does not run it."""
        return self._runs.get(task_id)
