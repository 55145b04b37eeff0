"""Batches: what is to be made, how much of it is submitted, and where each stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from imagegen_core.batch import Batch, BatchPlan, BatchStatus, BatchVerb, PauseReason
from imagegen_core.messages import Message
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task


class BatchStore(Protocol):
    """`TaskRepository.save` ends a batch with the end of its last task, in its transaction.

    So does it add what the task cost to the costs of the batch, pause one that stops at failures, and add the
    deliveries of ``batch.completed``. Every write is durable when its method returns.

    Raises:
        BatchNotFound: there is none.
        IdempotencyKeyReused: the key was used for another body.
    """

    async def add(self, batch: Batch, plan: BatchPlan) -> Batch:
        """Store a new batch, or return the one of the same key and body as it is now."""

    async def replay(self, batch: Batch) -> Batch | None:
        """Return the stored batch of the same key and body, if there is one."""

    async def get(self, batch_id: str) -> Batch:
        """Return a batch with its counts and costs."""

    async def plan(self, batch_id: str) -> BatchPlan:
        """Return what a batch makes."""

    async def find(self, status: BatchStatus | None, paging: Paging) -> Page[Batch]:
        """Return batches, newest first; totals are exact up to 10,000."""

    async def unfinished(self) -> tuple[Batch, ...]:
        """Return, oldest first, the running batches, and the cancelled ones with pending tasks.

        Their counts are of open tasks only.
        """

    async def failed(self, batch: Batch, *, limit: int) -> tuple[Task, ...]:
        """Return the oldest failed tasks that are to be made again."""

    async def submit(self, batch: Batch, tasks: Sequence[Task], *, queue_size: int) -> int:
        """Store and queue the next tasks of a batch in order, in one transaction; return how many.

        Each is its next item, or takes the item of the task that it is a `Task.retry_of`. Those are left out
        that would be more than may be open at once, or may pass its ceiling, or would not fit the queue. What
        a task costs that nobody knows, or in another currency, leaves no room below a ceiling. The batch is
        paused instead if its ceiling keeps the next one out while none is open. Nothing is stored
        unless it is running and at ``batch.submitted``.
        """

    async def change(
        self,
        batch_id: str,
        verb: BatchVerb,
        *,
        now: datetime,
        reason: PauseReason = "person",
        detail: Message | None = None,
    ) -> None:
        """Pause a running batch, resume a paused one, cancel one that has not ended, or retry any other.

        To retry is to make all tasks so far again, each once, that have failed or will. A batch without
        failed tasks stays as it is, and so does one that runs and is to make all of them again already.
        """
