"""Batches: what is to be made, how much of it is submitted, and where each stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs

from imagegen_core.batch import Batch, BatchPlan, BatchStatus, PauseReason
from imagegen_core.messages import Message
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class BatchKey:
    """A caller's idempotency key, and the digest of its request; it is kept as long as the batch."""

    key: str
    body_sha256: str


class BatchStore(Protocol):
    """`TaskRepository.save` ends a batch with the end of its last task, in its transaction.

    So does it add what the task cost to the costs of the batch, pause one that stops at failures, and add the
    deliveries of ``batch.completed``. Every write is durable when its method returns.

    Raises:
        BatchNotFound: there is none.
    """

    async def add(self, batch: Batch, plan: BatchPlan, key: BatchKey | None = None) -> Batch:
        """Store a new batch, or return the one of the same key and body as it is now.

        Raises:
            IdempotencyKeyReused: the key was used for another body.
        """

    async def replay(self, key: BatchKey) -> Batch | None:
        """Return the batch of a key; raises as `add` does."""

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

    async def pause(self, batch_id: str, reason: PauseReason, detail: Message | None = None) -> None:
        """Submit no more of a running batch; another stays as it is."""

    async def resume(self, batch_id: str, *, retry_failed: bool = False) -> None:
        """Let a paused batch go on, or with ``retry_failed`` any that is not cancelled.

        Then all tasks so far are made again, each once, that have failed or will. A batch without failed
        tasks stays as it is, and so does one that runs and is to make all of them again already.
        """

    async def cancel(self, batch_id: str, *, now: datetime) -> None:
        """Submit no more of a batch for good; one that has ended stays as it is."""
