"""Batches: what is to be made, how much of it is submitted, and where each stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import attrs

from imagegen_core.batch import Batch, BatchPlan, BatchStatus, BatchVerb, PauseReason
from imagegen_core.messages import Message
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task

OWNER_PREFIX = "batch:"
"""Begins the owner of a task in a batch job: no worker runs it, and no node takes it for an orphan.

By itself it is the owner of a task that waits for its job.
"""


@attrs.frozen(kw_only=True)
class BatchJob:
    """A job for tasks of one batch, provider and model; the provider knows it by our ``job_id``.

    What it has tells how far it is, and is on disk before the step after it; ``version`` counts the changes:

    =============== ================= ==================================================================
    the latest is   its tasks are     what follows, after a restart too
    =============== ================= ==================================================================
    ``created_at``  stored            tasks that wait for a job join, and their lines are uploaded: free
    ``file``        in a file there   it is started: the one paid act
    ``sent_at``     perhaps in a job  it is looked for; if it is not there, the file is removed, and it
                                      has neither again
    ``upstream_id`` in a job          polled; its answers are read; then it is removed
    =============== ================= ==================================================================
    """

    job_id: str
    batch_id: str
    provider_name: str
    model_id: str
    created_at: datetime
    sent_at: datetime | None = None
    file: str | None = None
    upstream_id: str | None = None
    version: int = 0

    @property
    def owner(self) -> str:
        """The owner of its tasks."""
        return OWNER_PREFIX + self.job_id


class BatchStore(Protocol):
    """`TaskRepository.save` ends a batch with the end of its last task, in its transaction.

    So does it add what the task cost to the costs of the batch, pause one that stops at failures, and add the
    deliveries of ``batch.completed``. Every write is durable when its method returns.

    A job of a provider belongs to one batch, and owns the tasks that it has.

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

    # ---------------------------------------------------------------- jobs of providers

    async def add_job(self, job: BatchJob) -> None:
        """Store a new job."""

    async def jobs(self) -> tuple[BatchJob, ...]:
        """Return all jobs, oldest first."""

    async def save_job(self, job: BatchJob) -> BatchJob:
        """Store a changed job, and return it with its new version.

        Raises:
            StaleTask: the stored job has another version, or there is none; nothing is written.
        """

    async def remove_job(self, job_id: str) -> bool:
        """Remove a job, unless it still has tasks, of which nobody would know any more; return whether."""

    async def missing_jobs(self) -> tuple[Mapping[str, Any], ...]:
        """Return batch, provider and model of tasks that wait for a job and that no job takes; each once."""

    async def tasks_in_jobs(self) -> Mapping[str, int]:
        """Return how many tasks of each provider are in a job, or wait for one."""
