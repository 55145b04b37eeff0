"""Examples that name the newest records of this server, so that they can be sent as they are."""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_core.facade.imagegen import ImageGen
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.ports.task_repository import TaskFilter
from imagegen_core.search.pages import Paging
from imagegen_core.tasks.task import TaskStatus

_NEWEST = Paging(page_size=1)
_RETRIED, _INPUTS = "/retry", "/inputs/"


@attrs.frozen(kw_only=True)
class Newest:
    """Ids of the newest records; None where there is none.

    ``input_task`` is the newest task with an input image, if it is one of the last 20; ``failed_task`` has
    failed or, if none has, was cancelled.
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
            input_task=next((task.task_id for task in tasks if task.request.inputs), None),
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
    bodies = {"ids": None if newest.image is None else [newest.image]}
    paths = {
        path: {
            method: _with_ids(
                operation,
                retried if path.endswith(_RETRIED) else with_inputs if _INPUTS in path else ids,
                bodies,
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


async def _newest_task(imagegen: ImageGen, status: TaskStatus) -> str | None:
    tasks = await imagegen.adapters.tasks.find(TaskFilter(status=status), _NEWEST)
    return next((task.task_id for task in tasks.items), None)
