"""Create a new task from one that failed or was cancelled: a person's decision to pay again."""

import attrs

from imagegen_core.errors import BlobMissing, ValidationFailed
from imagegen_core.ports.task_repository import AddedTask, TaskRepository
from imagegen_core.problems import ProblemCode
from imagegen_core.task import Submission, TaskStatus
from imagegen_core.use_cases.submit_task import SubmitTask


@attrs.frozen(kw_only=True)
class RetryTask:
    """Submits a task's request again under the current configuration; the old override is gone."""

    repository: TaskRepository
    submit: SubmitTask

    async def __call__(self, *, task_id: str, idempotency_key: str | None = None) -> AddedTask:
        """Store the new task, or return the one that the same key has already created from this task.

        Raises:
            TaskNotFound: there is none.
            ValidationFailed: it neither failed nor was cancelled, or its input images are no longer stored.
            Refusal: as for any submission.
        """
        task = await self.repository.get(task_id)
        if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELLED):
            raise ValidationFailed.for_field("task_id", ProblemCode.NOT_RETRYABLE(status=task.status))
        submission = Submission.again(task, verb="retry", idempotency_key=idempotency_key)
        try:
            return await self.submit(submission)
        except BlobMissing as error:
            raise ValidationFailed.for_field("task_id", ProblemCode.INPUTS_GONE()) from error
