"""Input images of tasks: download."""

from typing import Annotated, cast

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import PathParameter
from litestar.types import ASGIApp

from imagegen_core.images import MediaType
from imagegen_http.answers.responses import refusals
from imagegen_http.api.blob_response import Blob, BlobResponse
from imagegen_http.api.routes.dependencies import ServiceDependency, TaskIdPath, parse_task_id

IndexPath = Annotated[
    int,
    PathParameter(
        description="number of an input image among those of its task, from 0", schema_extra={"examples": [0]}
    ),
]


@route(
    "/api/v1/tasks/{task_id:str}/inputs/{index:int}/content",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["tasks"],
    responses=refusals("task_not_found", "image_not_found", "unavailable"),
)
async def get_input(task_id: TaskIdPath, index: IndexPath, service: ServiceDependency) -> ASGIApp:
    """Fetch the bytes of a task's input image, exactly as its caller sent them.

    The task lists them as `inputs`. One that names an image of this service is fetched as that image.
    `POST /api/v1/images/upscale` makes a task that has one.
    """
    opened = await service.imagegen.open_input(task_id=parse_task_id(task_id), index=index)
    image = opened.image
    blob = Blob(
        size=image.size_bytes,
        etag=image.sha256,
        mime_type=image.mime_type,
        file_name=f"input-{index}.{MediaType(image.mime_type).extension}",
        read=opened.read,
    )
    return cast("ASGIApp", BlobResponse(blob))  # plain ASGI, for which Litestar has types of its own


HANDLERS = [get_input]
