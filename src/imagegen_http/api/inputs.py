"""Files of tasks: their input images, and what was kept of answers that could not be used."""

from typing import Annotated

from litestar.params import QueryParameter
from litestar.types import ASGIApp

from imagegen_core.images import MediaType
from imagegen_core.requests import InputRole
from imagegen_core.services.tasks import InputView
from imagegen_http.api.errors import download
from imagegen_http.api.parameters import ServiceDependency, TaskIdPath, parse_task_id, path
from imagegen_http.api.responses import blob_response
from imagegen_http.schemas import Answer, ImageId, doc


class TaskInput(Answer, frozen=True, kw_only=True):
    """An input image of a task."""

    role: Annotated[InputRole, doc("what it is there for", "reference")]
    index: Annotated[int, doc("number among all inputs of the task, from 0", 0)]
    image_id: Annotated[
        ImageId | None, doc("the stored image that it was named by; null for one that was sent")
    ]
    url: Annotated[
        str | None,
        doc(
            "where its bytes are; null once that image is deleted, or where they were not kept",
            "/api/v1/images/7/content",
        ),
    ]
    mime_type: Annotated[MediaType, doc("type of its bytes", "image/png")]
    width: Annotated[int, doc("pixels", 512)]
    height: Annotated[int, doc("pixels", 512)]
    size_bytes: Annotated[int, doc("size of its bytes", 56345)]

    @classmethod
    def from_view(cls, view: InputView, task_id: str, index: int) -> "TaskInput":
        image = view.image
        place = f"tasks/{task_id}/inputs/{index}" if image.image_id is None else f"images/{image.image_id}"
        return cls(
            role=view.role,
            index=index,
            image_id=image.image_id,
            url=f"/api/v1/{place}/content" if view.available else None,
            mime_type=MediaType(image.mime_type),
            width=image.width,
            height=image.height,
            size_bytes=image.size_bytes,
        )


IndexPath = Annotated[int, path("number of an input image among those of its task, from 0", 0)]
ResponseIndexQuery = Annotated[
    int, QueryParameter(ge=0, description="number of a file among all that were kept of the task, from 0")
]


@download(
    "/api/v1/tasks/{task_id:str}/inputs/{index:int}/content",
    "tasks",
    "task_not_found",
    "image_not_found",
    "unavailable",
)
async def get_input(task_id: TaskIdPath, index: IndexPath, service: ServiceDependency) -> ASGIApp:
    """Fetch the bytes of a task's input image, exactly as its caller sent them.

    The task lists them as `inputs`. One that names an image of this service is fetched as that image.
    `POST /api/v1/images/upscale` makes a task that has one.
    """
    opened = await service.imagegen.tasks.open_input(parse_task_id(task_id), index)
    image = opened.image
    return blob_response(
        size=image.size_bytes,
        etag=image.sha256,
        mime_type=image.mime_type,
        file_name=f"input-{index}.{MediaType(image.mime_type).extension}",
        read=opened.read,
    )


@download(
    "/api/v1/tasks/{task_id:str}/response", "tasks", "task_not_found", "response_not_kept", "unavailable"
)
async def get_response(
    task_id: TaskIdPath, service: ServiceDependency, index: ResponseIndexQuery = 0
) -> ASGIApp:
    """Fetch what a provider sent and was paid for, and this service could not use.

    It is kept for a week, as the error of the task says: images in another format, damaged or too large, and
    answers that cannot be read. Secrets in text are masked. It comes as an attachment of unknown type.
    """
    opened = await service.imagegen.tasks.open_response(parse_task_id(task_id), index)
    return blob_response(
        size=opened.size_bytes,
        etag=f"{opened.key}.{opened.size_bytes}",
        mime_type="application/octet-stream",
        file_name=f"{task_id}-{index}.bin",
        read=opened.read,
        is_foreign=True,
    )
