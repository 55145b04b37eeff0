"""Create a new task from any other one, with changes: "once more, but …"."""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_core.errors import BlobMissing, ValidationFailed
from imagegen_core.models import changed
from imagegen_core.ports.task_repository import AddedTask, TaskRepository
from imagegen_core.problems import JsonType, ProblemCode
from imagegen_core.task import Submission
from imagegen_core.use_cases.submit_task import SubmitTask


@attrs.frozen(kw_only=True)
class TaskChanges:
    """What is to be other than in the task that is made again; None leaves a thing as it was.

    ``params`` may hold ``prompt``, too; a parameter of None is taken back. Another provider means its default
    model, unless ``model_id`` says which.
    """

    params: Mapping[str, Any] = attrs.field(factory=dict)
    provider_name: str | None = None
    model_id: str | None = None


@attrs.frozen(kw_only=True)
class RerunTask:
    """Submits a task's request again, whatever became of it; it is paid for again."""

    repository: TaskRepository
    submit: SubmitTask

    async def __call__(
        self, *, task_id: str, changes: TaskChanges, idempotency_key: str | None = None
    ) -> AddedTask:
        """Store the new task, or return the one that the same key has already created from this task.

        Raises:
            TaskNotFound: there is none.
            ValidationFailed: its input images are no longer stored, or the changed request is invalid; a
                parameter that another model does not know has to be taken back.
            Refusal: as for any submission.
        """
        task = await self.repository.get(task_id)
        submission = Submission.again(task, verb="rerun", idempotency_key=idempotency_key)
        try:
            return await self.submit(_changed(submission, changes))
        except BlobMissing as error:
            raise ValidationFailed.for_field("task_id", ProblemCode.INPUTS_GONE()) from error


def _changed(submission: Submission, changes: TaskChanges) -> Submission:
    """Return the submission with the changes.

    Raises:
        ValidationFailed: the prompt is no text.
    """
    params = dict(changes.params)
    prompt = params.pop("prompt", submission.prompt)
    if not isinstance(prompt, str):
        wrong_type = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),))
        raise ValidationFailed.for_field("prompt", wrong_type)
    provider_name = changes.provider_name or submission.provider_name
    kept_model = submission.model_id if provider_name == submission.provider_name else None
    return attrs.evolve(
        submission,
        prompt=prompt,
        params=changed(submission.params, params),
        provider_name=provider_name,
        model_id=changes.model_id or kept_model,
    )
