"""What streams say of tasks: how far they are, and what their images look like so far."""

from typing import Annotated

from imagegen_core.execution.partial_images import PartialImage as CorePartialImage
from imagegen_core.messages import Language
from imagegen_core.tasks.task import TaskStatus
from imagegen_core.use_cases.show_task import TaskView
from imagegen_http.answers.fields import Answer, ImageId, TaskId, doc
from imagegen_http.answers.tasks import TaskError, progress_of


class TaskChange(Answer, frozen=True, kw_only=True):
    """What the stream of all tasks says of one that has changed: how it is now."""

    task_id: TaskId
    status: Annotated[TaskStatus, doc("where it is on its way", "processing")]
    progress: Annotated[float, doc("0 to 1; 0 where the provider says nothing", 0.4)]
    queue_position: Annotated[
        int | None, doc("1 for the next one of its provider; null when it does not wait", None)
    ]
    image_ids: Annotated[list[ImageId], doc("its images so far, in order")]
    error: Annotated[TaskError | None, doc("why it failed or was cancelled", None)]

    @classmethod
    def from_view(cls, view: TaskView, language: Language) -> "TaskChange":
        """Return how a task is now, its error in the caller's language."""
        task = view.task
        return cls(
            task_id=task.task_id,
            status=task.status,
            progress=progress_of(task),
            queue_position=view.queue_position,
            image_ids=[image.id for image in view.images],
            error=None if task.failure is None else TaskError.from_failure(task.failure, language),
        )


class TaskProgress(Answer, frozen=True, kw_only=True):
    """How far a provider is with a task."""

    progress: Annotated[float, doc("0 to 1", 0.4)]


class PartialImage(Answer, frozen=True, kw_only=True):
    """What an image looks like so far."""

    index: Annotated[int, doc("number among the partial images of this image, from 0", 0)]
    image_index: Annotated[int, doc("number of the image among those of the task, from 0", 0)]
    mime_type: Annotated[str, doc("as its first bytes show", "image/png")]
    b64_json: Annotated[str, doc("its bytes in base64, as the provider sent them", "iVBORw0KGgo=")]

    @classmethod
    def from_partial(cls, partial: CorePartialImage) -> "PartialImage":
        """Return the answer but for the bytes, which are encoded while they are sent."""
        return cls(
            index=partial.index,
            image_index=partial.image_index,
            mime_type=partial.media_type,
            b64_json="",
        )
