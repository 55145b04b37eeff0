"""Bodies that are about tasks."""

from typing import Annotated

import msgspec

from imagegen_core.tasks.task import TaskStatus
from imagegen_http.answers.fields import JsonObject, doc
from imagegen_http.api.bodies.fields import EXAMPLE_PROMPT, Body, ModelId, Name


class RerunBody(Body, kw_only=True):
    """What is to be other than in the task that is made again; what is left out stays as it was."""

    params: Annotated[
        JsonObject,
        doc(
            "parameters, and `prompt`, in place of the task's own; null takes one back",
            {"prompt": f"{EXAMPLE_PROMPT}，水彩"},
        ),
    ] = msgspec.field(default_factory=dict)
    provider: Name | None = None
    model_id: ModelId | None = None


class CancelBody(Body, kw_only=True):
    """Which tasks are to be cancelled; those that are submitted meanwhile are not."""

    status: Annotated[
        TaskStatus | None, doc("`pending`, `processing`, or null: both", TaskStatus.PENDING)
    ] = TaskStatus.PENDING
    provider: Name | None = None
