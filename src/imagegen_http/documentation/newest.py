"""Examples that name the newest records of this server, so that they can be sent as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from imagegen_core.facade.imagegen import ImageGen
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.task_repository import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import Task, TaskStatus
from imagegen_http.api.marks import EXAMPLE_COLLECTION

_NEWEST = Paging(page_size=1)
_RETRIED, _INPUTS = "/retry", "/inputs/"


@attrs.frozen(kw_only=True)
class Newest:
    """Ids of the newest records; None where there is none.

    ``input_task`` is a task with an input image: one of the last 20, or the newest with an image that is
    still there; ``failed_task`` has failed or, if none has, was cancelled.
    """

    task: str | None = None
    input_task: str | None = None
    failed_task: str | None = None
    image: int | None = None
    collection: int | None = None

    @classmethod
    async def read(cls, imagegen: ImageGen) -> "Newest":
        """Look for them."""
        images = await imagegen.adapters.images.find(ImageFilter(), _NEWEST)
        collections = await imagegen.adapters.marks.collections()
        tasks = (await imagegen.adapters.tasks.find(TaskFilter(), Paging())).items
        return cls(
            task=next((task.task_id for task in tasks), None),
            input_task=await _task_with_inputs(imagegen, tasks),
            failed_task=await _newest_task(imagegen, TaskStatus.FAILED)
            or await _newest_task(imagegen, TaskStatus.CANCELLED),
            image=next((image.id for image in images.items), None),
            collection=next((collection.id for collection in collections), None),
        )


def with_newest(document: Mapping[str, Any], newest: Newest) -> dict[str, Any]:
    """Return the document with these ids in the examples of its parameters and bodies."""
    ids = {"task_id": newest.task, "image_id": newest.image, "collection_id": newest.collection}
    retried = {**ids, "task_id": newest.failed_task}
    with_inputs = {**ids, "task_id": newest.input_task}
    images = {"ids": None if newest.image is None else [newest.image]}
    paths = {
        path: {
            method: _with_ids(
                operation,
                retried if path.endswith(_RETRIED) else with_inputs if _INPUTS in path else ids,
                {**images, "name": _free_name(method, newest.collection)},
            )
            for method, operation in item.items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def _with_ids(
    operation: Mapping[str, Any], parameters: Mapping[str, Any], bodies: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the operation with examples that have these values instead of their own."""
    changed = dict(operation)
    if "parameters" in operation:
        changed["parameters"] = [
            parameter
            if (id_ := parameters.get(parameter["name"])) is None
            else {**parameter, "example": str(id_)}
            for parameter in operation["parameters"]
        ]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        changed["requestBody"] = {
            **operation["requestBody"],
            "content": {name: _with_values(body, bodies) for name, body in content.items()},
        }
    return changed


def _with_values(body: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    example = body.get("example")
    if not isinstance(example, Mapping):
        return dict(body)
    return {**body, "example": {n: v if values.get(n) is None else values[n] for n, v in example.items()}}


def _free_name(method: str, newest_collection: int | None) -> str | None:
    """Return a name for the collection that is created or renamed next, which no other is likely to have."""
    if newest_collection is None:
        return None
    return f"{EXAMPLE_COLLECTION} {newest_collection + (method == 'post')}"


async def _task_with_inputs(imagegen: ImageGen, newest_tasks: Sequence[Task]) -> str | None:
    if task_id := next((task.task_id for task in newest_tasks if task.request.inputs), None):
        return task_id
    images = [
        image
        for operation in Operation
        if operation.rules.has_input_images
        for image in (await imagegen.adapters.images.find(ImageFilter(operation=operation), _NEWEST)).items
    ]
    return max(images, key=lambda image: image.id).task_id if images else None


async def _newest_task(imagegen: ImageGen, status: TaskStatus) -> str | None:
    tasks = await imagegen.adapters.tasks.find(TaskFilter(status=status), _NEWEST)
    return next((task.task_id for task in tasks.items), None)
