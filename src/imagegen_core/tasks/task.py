"""A task: one request on its way from 202 to exactly one of completed, failed, cancelled."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import IllegalTransition
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import Message, as_messages
from imagegen_core.problems.tasks import FailureReason
from imagegen_core.requests.image_request import ImageRequest
from imagegen_core.values.frozen_mappings import frozen_mapping

MAX_RECOVERIES = 3
"""How often a task may be recovered after its result crashed the process or could not be stored."""


class TaskStatus(StrEnum):
    """Status of a task; the last three are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether a task in this status has ended."""
        return not TRANSITIONS[self]


TRANSITIONS: Mapping[TaskStatus, frozenset[TaskStatus]] = MappingProxyType(
    {
        TaskStatus.PENDING: frozenset({TaskStatus.PROCESSING, TaskStatus.CANCELLED, TaskStatus.FAILED}),
        TaskStatus.PROCESSING: frozenset(
            {TaskStatus.PENDING, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
        ),
        TaskStatus.COMPLETED: frozenset(),
        TaskStatus.FAILED: frozenset(),
        TaskStatus.CANCELLED: frozenset(),
    }
)


@attrs.frozen(kw_only=True)
class Fence:
    """What a change of a task compares the stored task with: whose it is, by which claim, in which status.

    A worker that was frozen or cut off while another got its task has an outdated one, so that nothing it
    still writes is stored.
    """

    owner: str | None
    epoch: int
    status: TaskStatus


@attrs.frozen(kw_only=True)
class Task:
    """The truth about one request.

    Args:
        task_id: UUIDv7, so ids sort by age.
        request: the request, with canonical ``params``.
        config_snapshot: the configuration under which it was accepted, without secrets.
        override: the request's own ``config``, sealed; wiped when the task ends.
        attempts: attempts that reached the provider or tried to; a requeue after 429 does not count.
        retries: requeues so far, whatever their reason; bounded by the retry policy.
        recoveries: how often it was recovered after a crash in the middle of it.
        not_before: earliest time at which it may be claimed.
        locked: it is deferred until the master key is back, which takes a restart.
        owner: who has claimed it; None unless it is processing.
        epoch: its claim number, which a rescue raises, too.
        cancel_requested: a caller asked to cancel it while it runs.
        progress: 0.0 to 1.0; None while unknown.
    """

    task_id: str
    request: ImageRequest
    provider_name: str
    model_id: str
    created_at: datetime
    status: TaskStatus = TaskStatus.PENDING
    config_snapshot: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    override: str | None = attrs.field(default=None, repr=False)
    max_retries: int = 3
    progress: float | None = None
    attempts: int = 0
    retries: int = 0
    recoveries: int = 0
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)
    failure: Failure | None = None
    cancel_requested: bool = False
    not_before: datetime | None = None
    locked: bool = False
    owner: str | None = None
    epoch: int = 0
    retry_of: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def _transition(self, status: TaskStatus, **changes: Any) -> "Task":
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"task {self.task_id}", self.status, status)
        return attrs.evolve(self, status=status, **changes)

    @property
    def fence(self) -> Fence:
        """What the stored task must still match when a change of this value of it is stored."""
        return Fence(owner=self.owner, epoch=self.epoch, status=self.status)

    def claim(self, owner: str, now: datetime) -> "Task":
        """Return the task claimed by ``owner``; `started_at` keeps the time of the first claim."""
        return self._transition(
            TaskStatus.PROCESSING,
            owner=owner,
            epoch=self.epoch + 1,
            started_at=self.started_at or now,
            not_before=None,
            locked=False,
        )

    def count_attempt(self) -> "Task":
        """Return the task with one more attempt that may reach the provider."""
        return attrs.evolve(self, attempts=self.attempts + 1)

    def requeue(
        self,
        *,
        not_before: datetime | None = None,
        locked: bool = False,
        attempts: int | None = None,
        is_retry: bool = False,
        is_recovery: bool = False,
    ) -> "Task":
        """Return the task given back to the queue; by itself that counts as nothing.

        Args:
            not_before: earliest time of the next claim; at once by default.
            locked: it waits for the master key: the next start may claim it before ``not_before``.
            attempts: the number of attempts, where some that were counted have sent nothing.
            is_retry: the provider started nothing and is asked again; counts towards ``max_retries``.
            is_recovery: the task may have caused what stopped its worker; counts towards `MAX_RECOVERIES`.
        """
        return self._transition(
            TaskStatus.PENDING,
            owner=None,
            not_before=not_before,
            locked=locked,
            attempts=self.attempts if attempts is None else attempts,
            progress=None if is_retry else self.progress,
            retries=self.retries + is_retry,
            recoveries=self.recoveries + is_recovery,
        )

    def rescue(self, *, attempts: int, is_recovery: bool) -> "Task":
        """Return the task taken from its owner, who may be dead or only slow, and given back to the queue.

        The raised epoch sets what its owner has written apart from what the next one writes.
        """
        requeued = self.requeue(attempts=attempts, is_recovery=is_recovery)
        return attrs.evolve(requeued, epoch=self.epoch + 1)

    def complete(self, now: datetime, *, warnings: tuple[Message, ...] = ()) -> "Task":
        """Return the completed task; its images are stored."""
        return self._end(TaskStatus.COMPLETED, now, progress=1.0, warnings=self.warnings + warnings)

    def fail(self, now: datetime, failure: Failure, *, warnings: tuple[Message, ...] = ()) -> "Task":
        """Return the failed task."""
        return self._end(TaskStatus.FAILED, now, failure=failure, warnings=self.warnings + warnings)

    def cancel(
        self, now: datetime, *, possible_charge: bool = False, warnings: tuple[Message, ...] = ()
    ) -> "Task":
        """Return the task cancelled by its caller; ``possible_charge``: a call may have cost money."""
        failure = Failure.from_code(
            FailureCode.CANCELLED, FailureReason.CANCELLED_BY_CALLER(), possible_charge=possible_charge
        )
        return self._end(TaskStatus.CANCELLED, now, failure=failure, warnings=self.warnings + warnings)

    def request_cancel(self) -> "Task":
        """Return the task with its cancellation requested; the worker that runs it ends it.

        Raises:
            IllegalTransition: nobody runs it.
        """
        if self.status is not TaskStatus.PROCESSING:
            raise IllegalTransition(f"task {self.task_id}", self.status, "cancelling")
        return attrs.evolve(self, cancel_requested=True)

    def _end(self, status: TaskStatus, now: datetime, **changes: Any) -> "Task":
        return self._transition(
            status, completed_at=now, override=None, owner=None, not_before=None, locked=False, **changes
        )
