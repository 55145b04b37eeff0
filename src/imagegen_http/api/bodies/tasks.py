"""Bodies that are about tasks."""

from typing import Annotated

from imagegen_core.tasks.task import TaskStatus
from imagegen_core.use_cases.rerun_task import TaskChanges
from imagegen_http.answers.fields import JsonObject, doc
from imagegen_http.api.bodies.fields import EXAMPLE_PROMPT, Body, ModelId, Name


class RerunBody(Body, frozen=True, kw_only=True):
    """What is to be other than in the task that is made again; what is left out stays as it was."""

    params: Annotated[
        JsonObject | None,
        doc(
            "parameters, and `prompt`, in place of the task's own; null takes one back",
            {"prompt": f"{EXAMPLE_PROMPT}，水彩"},
        ),
    ] = None
    provider: Name | None = None
    model_id: ModelId | None = None

    @property
    def changes(self) -> TaskChanges:
        """The changes that it asks for."""
        return TaskChanges(params=self.params or {}, provider_name=self.provider, model_id=self.model_id)


class CancelBody(Body, frozen=True, kw_only=True):
    """Which tasks are to be cancelled; those that are submitted meanwhile are not."""

    status: Annotated[
        TaskStatus | None,
        doc(
            "`pending`, `processing`, or null: both", TaskStatus.PENDING, enum=["pending", "processing", None]
        ),
    ] = TaskStatus.PENDING
    provider: Name | None = None
