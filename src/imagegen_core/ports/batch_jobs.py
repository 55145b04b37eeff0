"""Batch jobs of providers, each with many tasks, which it owns until their answers come."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import attrs

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


class BatchJobStore(Protocol):
    """Every write is durable when its method returns."""

    async def add(self, job: BatchJob) -> None:
        """Store a new job."""

    async def all(self) -> tuple[BatchJob, ...]:
        """Return all jobs, oldest first."""

    async def save(self, job: BatchJob) -> BatchJob:
        """Store a changed job, and return it with its new version.

        Raises:
            StaleTask: the stored job has another version, or there is none; nothing is written.
        """

    async def remove(self, job_id: str) -> bool:
        """Remove a job, unless it still has tasks, of which nobody would know any more; return whether."""

    async def missing(self) -> tuple[Mapping[str, Any], ...]:
        """Return batch, provider and model of tasks that wait for a job and that no job takes; each once."""

    async def tasks_out(self) -> Mapping[str, int]:
        """Return how many tasks of each provider are in a job, or wait for one."""
