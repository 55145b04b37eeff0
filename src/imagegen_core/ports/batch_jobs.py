"""Batch jobs of providers, each with many tasks, which it owns until their answers come."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

OWNER_PREFIX = "batch:"
"""Begins the owner of a task in a batch job: no worker runs it, and no node takes it for an orphan."""


class BatchJobState(StrEnum):
    """How far a batch job is; each state is on disk before the step after it.

    ========== ===================================== ==================================================
    state      its tasks are                         what follows, after a restart too
    ========== ===================================== ==================================================
    collecting being stored                          their batch closes it
    waiting    stored                                their lines are uploaded, for free
    uploaded   upstream in a file                    the job is started: the one paid act
    sending    perhaps in a job                      it is looked for; if it is not there, it is waiting
    accepted   in a job                              polled; its answers are read; then ended
    ended      given to workers, or at their ends    nothing
    ========== ===================================== ==================================================
    """

    COLLECTING = "collecting"
    WAITING = "waiting"
    UPLOADED = "uploaded"
    SENDING = "sending"
    ACCEPTED = "accepted"
    ENDED = "ended"


@attrs.frozen(kw_only=True)
class BatchJob:
    """A job for tasks of one batch, provider and model; the provider knows it by our ``job_id``.

    ``file`` and ``upstream_id`` are the provider's names. ``size_bytes`` is about what its lines take.
    ``look_at`` is when the next step is due. ``version`` counts its changes.
    """

    job_id: str
    batch_id: str
    provider_name: str
    model_id: str
    state: BatchJobState = BatchJobState.COLLECTING
    created_at: datetime
    look_at: datetime
    sent_at: datetime | None = None
    file: str | None = None
    upstream_id: str | None = None
    size_bytes: int = 0
    version: int = 0

    @property
    def owner(self) -> str:
        """The owner of its tasks."""
        return OWNER_PREFIX + self.job_id


class BatchJobStore(Protocol):
    """Every write is durable when its method returns."""

    async def add(self, job: BatchJob) -> None:
        """Store a new job."""

    async def collecting(self, batch_id: str) -> tuple[BatchJob, ...]:
        """Return the jobs of a batch to which tasks may still be added."""

    async def due(self, now: datetime) -> tuple[BatchJob, ...]:
        """Return the jobs whose step is due, oldest first; those of one target wait for each other.

        One that collects is due once its batch is cancelled.
        """

    async def save(self, job: BatchJob) -> BatchJob:
        """Store a changed job, and return it with its new version.

        Raises:
            StaleTask: the stored job has another version; nothing is written.
        """

    async def tasks_out(self) -> Mapping[str, int]:
        """Return how many tasks of each provider are in a job."""

    async def wake(self, batch_id: str, now: datetime) -> None:
        """Make the next steps of a batch's jobs due now, unless they collect."""
