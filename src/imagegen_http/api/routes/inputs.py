"""Files of tasks to download: input images, and what was kept of answers that could not be used."""

from typing import Annotated, cast

from litestar import route
from litestar.enums import HttpMethod
from litestar.params import PathParameter, QueryParameter
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

ResponseIndexQuery = Annotated[
    int, QueryParameter(ge=0, description="number of a file among all that were kept of the task, from 0")
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


@route(
    "/api/v1/tasks/{task_id:str}/response",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["tasks"],
    responses=refusals("task_not_found", "response_not_kept", "unavailable"),
)
async def get_response(
    task_id: TaskIdPath, service: ServiceDependency, index: ResponseIndexQuery = 0
) -> ASGIApp:
    """Fetch what a provider sent and was paid for, and this service could not use.

    It is kept for a week, as the error of the task says: images in another format, damaged or too large, and
    answers that cannot be read. Secrets in text are masked. It comes as an attachment of unknown type.
    """
    opened = await service.imagegen.open_response(task_id=parse_task_id(task_id), index=index)
    blob = Blob(
        size=opened.size_bytes,
        etag=f"{opened.key}.{opened.size_bytes}",
        mime_type="application/octet-stream",
        file_name=f"{task_id}-{index}.bin",
        read=opened.read,
        is_foreign=True,
    )
    return cast("ASGIApp", BlobResponse(blob))


HANDLERS = [get_input, get_response]
