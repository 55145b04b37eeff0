"""Tasks: on their way and at their end."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, UnsetType

from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import Language
from imagegen_core.operations import Operation
from imagegen_core.providers.config import ConfigSource
from imagegen_core.tasks.task import Task as CoreTask
from imagegen_core.tasks.task import TaskStatus
from imagegen_core.use_cases.show_task import TaskView
from imagegen_http.answers.costs import Cost
from imagegen_http.answers.fields import (
    Answer,
    JsonObject,
    ModelId,
    Prompt,
    ProviderName,
    TaskId,
    Time,
    doc,
    optional_timestamp,
    timestamp,
    with_exact_seed,
)
from imagegen_http.answers.images import Image
from imagegen_http.answers.inputs import TaskInput
from imagegen_http.problems.error_table import failure_sentence

_URL = "/api/v1/tasks/0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a"


class TaskUrls(Answer, frozen=True, kw_only=True):
    """Where a task can be seen, followed and cancelled."""

    self: Annotated[str, doc("`GET`: the task", _URL)]
    events: Annotated[str, doc("`GET`: what happens to it, as server-sent events", f"{_URL}/events")]
    cancel: Annotated[str, doc("`POST`: cancel it", f"{_URL}/cancel")]

    @classmethod
    def from_id(cls, task_id: str) -> "TaskUrls":
        """Return the addresses of a task."""
        url = f"/api/v1/tasks/{task_id}"
        return cls(self=url, events=f"{url}/events", cancel=f"{url}/cancel")


class AcceptedTask(Answer, frozen=True, kw_only=True):
    """A task that is on disk and will be worked on."""

    task_id: TaskId
    status: Annotated[
        TaskStatus, doc("`pending`, or the status of now where the task was there already", "pending")
    ]
    urls: Annotated[TaskUrls, doc("where it can be seen, followed and cancelled")]

    @classmethod
    def from_task(cls, task: CoreTask) -> "AcceptedTask":
        """Return what a 202 says of a task."""
        return cls(task_id=task.task_id, status=task.status, urls=TaskUrls.from_id(task.task_id))


class TaskError(Answer, frozen=True, kw_only=True):
    """Why a task failed or was cancelled."""

    code: Annotated[FailureCode, doc("what went wrong", "rejected")]
    message: Annotated[
        str,
        doc(
            "a sentence in the caller's language, then the provider's own words",
            "the provider refused the request",
        ),
    ]
    retryable: Annotated[
        bool, doc("whether the same request may succeed later without a change", example=False)
    ]
    possible_charge: Annotated[bool, doc("whether the provider may have charged for the call", example=False)]
    upstream_status: Annotated[int | None, doc("HTTP status of the provider's answer", 400)]
    upstream_code: Annotated[str | None, doc("the provider's own code", None)]

    @classmethod
    def from_failure(cls, failure: Failure, language: Language) -> "TaskError":
        """Return why a task failed."""
        return cls(
            code=failure.code,
            message=failure_sentence(failure.code, failure.reason, language),
            retryable=failure.retryable,
            possible_charge=failure.possible_charge,
            upstream_status=failure.upstream_status,
            upstream_code=failure.upstream_code,
        )


class ConfigSnapshot(Answer, frozen=True, kw_only=True):
    """The provider's configuration that a task was accepted under, without secrets."""

    api_base: Annotated[str | UnsetType | None, doc("address of the provider's API", None)] = UNSET
    api_key: Annotated[str | UnsetType | None, doc("its key, masked", "sk-****cdef")] = UNSET
    model_id: ModelId | UnsetType = UNSET
    timeout_seconds: Annotated[float | UnsetType, doc("how long one call may take", 60.0)] = UNSET
    max_retries: Annotated[int | UnsetType, doc("how often a call that started nothing is sent again", 3)] = (
        UNSET
    )
    source: Annotated[
        ConfigSource | UnsetType, doc("`request` where its `config` changed anything", "database")
    ] = UNSET

    @classmethod
    def from_mapping(cls, snapshot: Mapping[str, Any]) -> "ConfigSnapshot":
        """Return what is stored with a task."""
        return cls(**{name: snapshot[name] for name in cls.__struct_fields__ if name in snapshot})


class Task(Answer, frozen=True, kw_only=True):
    """A task with its images, or with why it failed."""

    task_id: TaskId
    operation: Annotated[Operation, doc("what was asked for", "generate")]
    status: Annotated[TaskStatus, doc("where it is on its way", "completed")]
    provider: ProviderName
    model_id: ModelId
    prompt: Prompt
    params: Annotated[JsonObject, doc("the model's parameters", {"width": 512, "height": 512})]
    progress: Annotated[float, doc("0 to 1; 0 where the provider says nothing", 1.0)]
    queue_position: Annotated[
        int | None, doc("1 for the next one of its provider; null when it does not wait", None)
    ]
    attempts: Annotated[int, doc("tries that reached the provider or tried to", 1)]
    created_at: Time
    started_at: Annotated[
        Time | None, doc("when a provider first had a place for it", "2026-11-24T08:00:00.120Z")
    ]
    completed_at: Annotated[Time | None, doc("when it ended, however it did", "2026-11-24T08:00:09.480Z")]
    image_url: Annotated[str | None, doc("where the first image's bytes are", "/api/v1/images/7/content")]
    images: Annotated[list[Image], doc("its images, in order")]
    inputs: Annotated[list[TaskInput], doc("its input images: references, then image, then mask")]
    cost: Annotated[
        Cost | None,
        doc("what its calls cost, or may have cost; null if nothing, or in several currencies"),
    ]
    costs: Annotated[list[Cost], doc("the same, by currency; empty if nothing")]
    warnings: Annotated[
        list[str], doc("what its caller should know, such as what became of images that are missing", [])
    ]
    error: Annotated[TaskError | None, doc("why it failed or was cancelled", None)]
    config_snapshot: Annotated[ConfigSnapshot, doc("the configuration that it was accepted under")]
    cancel_requested: Annotated[bool, doc("whether a caller wants it stopped while it runs", example=False)]
    retry_of: Annotated[str | None, doc("id of the task that it repeats", None)]
    urls: Annotated[TaskUrls, doc("where it can be seen, followed and cancelled")]

    @classmethod
    def from_view(cls, view: TaskView, language: Language) -> "Task":
        """Return a task in full, its error in the caller's language."""
        task, images = view.task, [Image.from_image(image) for image in view.images]
        costs = [Cost.from_cost(cost) for cost in view.costs]
        return cls(
            task_id=task.task_id,
            operation=task.request.operation,
            status=task.status,
            provider=task.provider_name,
            model_id=task.model_id,
            prompt=task.request.prompt,
            params=with_exact_seed(task.request.params),
            progress=progress_of(task),
            queue_position=view.queue_position,
            attempts=task.attempts,
            created_at=timestamp(task.created_at),
            started_at=optional_timestamp(task.started_at),
            completed_at=optional_timestamp(task.completed_at),
            image_url=images[0].image_url if images else None,
            images=images,
            inputs=[TaskInput.from_view(one, task.task_id, number) for number, one in enumerate(view.inputs)],
            cost=costs[0] if len(costs) == 1 else None,
            costs=costs,
            warnings=[warning.text(language) for warning in task.warnings],
            error=None if task.failure is None else TaskError.from_failure(task.failure, language),
            config_snapshot=ConfigSnapshot.from_mapping(task.config_snapshot),
            cancel_requested=task.cancel_requested,
            retry_of=task.retry_of,
            urls=TaskUrls.from_id(task.task_id),
        )


def progress_of(task: CoreTask) -> float:
    """Return how far a task is, 0 to 1; 0 where the provider says nothing."""
    return 1.0 if task.status is TaskStatus.COMPLETED else task.progress or 0.0


class TaskCounts(Answer, frozen=True, kw_only=True):
    """How many tasks have each status."""

    pending: Annotated[int, doc("waiting", 12)]
    processing: Annotated[int, doc("at a provider", 4)]
    completed: Annotated[int, doc("ended with images", 830)]
    failed: Annotated[int, doc("ended without", 3)]
    cancelled: Annotated[int, doc("ended because a caller wanted it", 1)]

    @classmethod
    def from_counts(cls, counts: Mapping[TaskStatus, int]) -> "TaskCounts":
        """Return the numbers by their names."""
        return cls(**{str(status): number for status, number in counts.items()})


class CancelledTasks(Answer, frozen=True, kw_only=True):
    """What became of a request to cancel many."""

    cancelled: Annotated[int, doc("how many were cancelled, or while they run were asked to stop", 12)]
