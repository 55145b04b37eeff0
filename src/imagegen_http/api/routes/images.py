"""Images: list, search, show, download, delete."""

from functools import partial
from typing import Annotated, Any, cast

from litestar import delete, get, route
from litestar.enums import HttpMethod
from litestar.params import QueryParameter
from litestar.types import ASGIApp

from imagegen_core.images import MediaType
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_MODEL_ID_CHARS
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter, SearchMode
from imagegen_core.search.pages import encode_cursor
from imagegen_core.search.query import SearchQuery
from imagegen_http.answers.envelope import DELETED, Deleted, ListPage, Success, success
from imagegen_http.answers.fields import optional_timestamp
from imagegen_http.answers.images import FoundImage, Image
from imagegen_http.answers.responses import refusals
from imagegen_http.api.blob_response import Blob, BlobResponse, file_name
from imagegen_http.api.moments import parse_moment
from imagegen_http.api.routes.dependencies import (
    CursorQuery,
    ImageIdPath,
    PageQuery,
    PageSizeQuery,
    ProviderQuery,
    ServiceDependency,
    parse_image_id,
    parse_paging,
)
from imagegen_http.asgi.response_cache import CACHEABLE
from imagegen_http.runtime.service import Service

ModelQuery = Annotated[
    str | None, QueryParameter(max_length=MAX_MODEL_ID_CHARS, description="only this model's")
]
OperationQuery = Annotated[Operation | None, QueryParameter(description="only of this operation")]
FromQuery = Annotated[
    str | None, QueryParameter(name="from", description="made at or after this date or time (ISO 8601)")
]
ToQuery = Annotated[
    str | None, QueryParameter(name="to", description="made before this time, or up to the end of this date")
]
KeywordQuery = Annotated[str, QueryParameter(description='words that must all occur; "…" is a phrase')]
ModeQuery = Annotated[SearchMode, QueryParameter(description="contains: exactly; relevant: then close ones")]


@get("/api/v1/images", opt={CACHEABLE: True}, tags=["images"], responses=refusals("validation_failed"))
async def list_images(
    service: ServiceDependency,
    provider: ProviderQuery = None,
    model_id: ModelQuery = None,
    operation: OperationQuery = None,
    created_from: FromQuery = None,
    created_to: ToQuery = None,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[Image]]:
    """List images, newest first."""
    criteria = _filter(provider, model_id, operation, created_from, created_to)
    query = ["images", *_identity(criteria)]
    paging = parse_paging(page, page_size, cursor, query)

    async def read() -> Success[ListPage[Image]]:
        matches = await service.imagegen.adapters.images.find(criteria, paging)
        items = [Image.from_image(image) for image in matches.items]
        following = None if matches.last is None else encode_cursor(matches.last, query)
        return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=following))

    return await service.shared_reads.run(("list", criteria, paging, page), read)


@get(
    "/api/v1/images/search",
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("validation_failed", "unavailable"),
)
async def search_images(
    service: ServiceDependency,
    keyword: KeywordQuery = "",
    mode: ModeQuery = SearchMode.CONTAINS,
    provider: ProviderQuery = None,
    model_id: ModelQuery = None,
    operation: OperationQuery = None,
    created_from: FromQuery = None,
    created_to: ToQuery = None,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[FoundImage]]:
    """Find images by any piece of their prompt."""
    criteria = _filter(provider, model_id, operation, created_from, created_to)
    parsed = SearchQuery.parse(keyword, service.imagegen.adapters.simplify)
    query = ["search", mode, parsed.words, *_identity(criteria)]
    paging = parse_paging(page, page_size, cursor, query)

    async def read() -> Success[ListPage[FoundImage]]:
        matches = await service.imagegen.adapters.images.search(parsed, mode, criteria, paging)
        items = [FoundImage.from_image(hit.image, match=hit.match) for hit in matches.items]
        following = None if matches.last is None else encode_cursor(matches.last, query)
        return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=following))

    return await service.shared_reads.run(("search", parsed, mode, criteria, paging, page), read)


@get(
    "/api/v1/images/{image_id:str}",
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("image_not_found"),
)
async def get_image(image_id: ImageIdPath, service: ServiceDependency) -> Success[Image]:
    """Show an image's record."""
    return success(Image.from_image(await service.imagegen.adapters.images.get(parse_image_id(image_id))))


@delete(
    "/api/v1/images/{image_id:str}", status_code=200, tags=["images"], responses=refusals("image_not_found")
)
async def delete_image(image_id: ImageIdPath, service: ServiceDependency) -> Deleted:
    """Delete an image: record, file, thumbnail and OSS object."""
    await service.imagegen.delete_image(image_id=parse_image_id(image_id))
    return DELETED


@route(
    "/api/v1/images/{image_id:str}/content",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["images"],
    responses=refusals("image_not_found", "unavailable"),
)
async def get_content(image_id: ImageIdPath, service: ServiceDependency) -> ASGIApp:
    """Fetch an image's bytes, exactly as the provider sent them."""
    image = await service.imagegen.adapters.images.get(parse_image_id(image_id))
    return _response(
        Blob(
            size=image.size_bytes,
            etag=image.sha256,
            mime_type=image.mime_type,
            file_name=file_name(image.prompt, image.id, MediaType(image.mime_type).extension),
            read=partial(_read, service, image.blob_key),
        )
    )


@route(
    "/api/v1/images/{image_id:str}/thumbnail",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["images"],
    responses=refusals("image_not_found", "unavailable"),
)
async def get_thumbnail(image_id: ImageIdPath, service: ServiceDependency) -> ASGIApp:
    """Fetch an image's thumbnail: WebP, at most 512 pixels a side."""
    image, data = await service.imagegen.show_thumbnail(image_id=parse_image_id(image_id))

    async def read(start: int, end: int) -> Any:
        yield data[start:end]

    return _response(
        Blob(
            size=len(data),
            etag=f"{image.sha256}-thumbnail",
            mime_type=MediaType.WEBP,
            file_name=file_name(image.prompt, image.id, "thumbnail.webp"),
            read=read,
        )
    )


HANDLERS = [list_images, search_images, get_image, delete_image, get_content, get_thumbnail]


def _response(blob: Blob) -> ASGIApp:
    return cast("ASGIApp", BlobResponse(blob))  # plain ASGI, for which Litestar has types of its own


def _read(service: Service, key: str, start: int, end: int) -> Any:
    return service.imagegen.adapters.blobs.open(key, start=start, end=end)


def _filter(
    provider: str | None,
    model_id: str | None,
    operation: Operation | None,
    created_from: str | None,
    created_to: str | None,
) -> ImageFilter:
    return ImageFilter(
        provider_name=provider,
        model_id=model_id,
        operation=operation,
        created_from=parse_moment("from", created_from, end_of_day=False),
        created_to=parse_moment("to", created_to, end_of_day=True),
    )


def _identity(criteria: ImageFilter) -> list[str | None]:
    """Return the filter as a part of the query that a cursor belongs to."""
    return [
        criteria.provider_name,
        criteria.model_id,
        criteria.operation,
        optional_timestamp(criteria.created_from),
        optional_timestamp(criteria.created_to),
    ]
