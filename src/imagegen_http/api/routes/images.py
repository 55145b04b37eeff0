"""Images: list, search, show, download, delete."""

from functools import partial
from typing import Any, cast

from litestar import Request, delete, get, route
from litestar.enums import HttpMethod
from litestar.types import ASGIApp

from imagegen_core.images import MediaType
from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.ports.image_records import SearchMode
from imagegen_core.search.pages import encode_cursor
from imagegen_core.search.query import SearchQuery
from imagegen_core.values.file_names import file_name
from imagegen_http.answers.envelope import DELETED, Deleted, ListPage, Success, success
from imagegen_http.answers.images import FoundImage, Image, ImageDay, ImageDetail
from imagegen_http.answers.responses import refusals
from imagegen_http.api.blob_response import Blob, BlobResponse
from imagegen_http.api.moments import parse_zone
from imagegen_http.api.routes.dependencies import (
    CursorQuery,
    ImageIdPath,
    PageQuery,
    PageSizeQuery,
    ServiceDependency,
    ZoneQuery,
    parse_image_id,
    parse_paging,
)
from imagegen_http.api.routes.image_filters import (
    FILTER,
    LIST,
    FilterDependency,
    ListDependency,
    ModeQuery,
    SearchKeywordQuery,
    identity,
)
from imagegen_http.asgi import entity_tags
from imagegen_http.asgi.response_cache import CACHEABLE
from imagegen_http.runtime.service import Service


@get(
    "/api/v1/images",
    dependencies=FILTER,
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("validation_failed"),
)
async def list_images(
    service: ServiceDependency,
    criteria: FilterDependency,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[Image]]:
    """List images, newest first.

    `cursor` is how to read a long list: it costs the same at any depth.
    """
    query = ["images", *identity(criteria)]
    paging = parse_paging(page, page_size, cursor, query)

    async def read() -> Success[ListPage[Image]]:
        matches = await service.imagegen.adapters.images.find(criteria, paging)
        items = [Image.from_image(image) for image in matches.items]
        following = None if matches.last is None else encode_cursor(matches.last, query)
        return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=following))

    return await service.shared_reads.run(("list", criteria, paging, page), read)


@get(
    "/api/v1/images/search",
    dependencies=FILTER,
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("validation_failed", "unavailable"),
)
async def search_images(
    service: ServiceDependency,
    criteria: FilterDependency,
    keyword: SearchKeywordQuery = None,
    mode: ModeQuery = SearchMode.CONTAINS,
    page: PageQuery = 1,
    page_size: PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: CursorQuery = None,
) -> Success[ListPage[FoundImage]]:
    """Find images by any piece of their prompt.

    Case, width and traditional or simplified characters make no difference. `mode=relevant` adds those
    whose prompt is close, such as 可爱的小猫 for 可爱的猫.
    """
    parsed = SearchQuery.parse(keyword or "", service.imagegen.adapters.simplify)
    query = ["search", mode, parsed.words, *identity(criteria)]
    paging = parse_paging(page, page_size, cursor, query)

    async def read() -> Success[ListPage[FoundImage]]:
        matches = await service.imagegen.adapters.images.search(parsed, mode, criteria, paging)
        items = [FoundImage.from_image(hit.image, match=hit.match) for hit in matches.items]
        following = None if matches.last is None else encode_cursor(matches.last, query)
        return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=following))

    return await service.shared_reads.run(("search", parsed, mode, criteria, paging, page), read)


@get(
    "/api/v1/images/days",
    dependencies=LIST,
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("validation_failed", "unavailable"),
)
async def list_image_days(
    service: ServiceDependency, images: ListDependency, tz: ZoneQuery = "UTC"
) -> Success[list[ImageDay]]:
    """Count images by the day on which they were made, newest first; a day without any is left out.

    With a `keyword` only what a search for it finds is counted. `tz` says whose days these are.
    """
    zone = parse_zone("tz", tz)

    async def read() -> Success[list[ImageDay]]:
        days = await service.imagegen.list_image_days(images, zone=zone)
        return success([ImageDay(day=day.isoformat(), count=count) for day, count in days])

    return await service.shared_reads.run(("days", images, tz), read)


@get(
    "/api/v1/images/{image_id:str}",
    dependencies=LIST,
    opt={CACHEABLE: True},
    tags=["images"],
    responses=refusals("validation_failed", "image_not_found", "unavailable"),
)
async def get_image(
    image_id: ImageIdPath, service: ServiceDependency, images: ListDependency
) -> Success[ImageDetail]:
    """Show an image's record, what it was made from and what from it, and what is beside it in a list.

    Its bytes are at `image_url`, a small preview at `thumbnail_url`. Both stay for as long as the record
    does.
    """
    view = await service.imagegen.show_image(image_id=parse_image_id(image_id), images=images)
    return success(ImageDetail.from_view(view))


@delete(
    "/api/v1/images/{image_id:str}", status_code=200, tags=["images"], responses=refusals("image_not_found")
)
async def delete_image(image_id: ImageIdPath, service: ServiceDependency) -> Deleted:
    """Delete an image: record, file, thumbnail and OSS object.

    It is gone at once for all readers; an object that OSS does not remove now is removed later.
    """
    await service.imagegen.delete_image(image_id=parse_image_id(image_id))
    return DELETED


@route(
    "/api/v1/images/{image_id:str}/content",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    tags=["images"],
    responses=refusals("image_not_found", "unavailable"),
)
async def get_content(image_id: ImageIdPath, service: ServiceDependency) -> ASGIApp:
    """Fetch an image's bytes, exactly as the provider sent them.

    They never change, so caches may hold them for good. One `Range` is answered with 206, a known `ETag`
    with 304.
    """
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
async def get_thumbnail(
    image_id: ImageIdPath, service: ServiceDependency, request: Request[Any, Any, Any]
) -> ASGIApp:
    """Fetch an image's thumbnail: WebP, at most 512 pixels a side.

    It is made when the image is stored. Caches may hold it for good.
    """
    image = await service.imagegen.adapters.images.get(parse_image_id(image_id))
    etag = f"{image.sha256}-thumbnail"
    is_unchanged = entity_tags.matches(request.headers.get("if-none-match"), f'"{etag}"')
    data = b"" if is_unchanged else await service.imagegen.show_thumbnail(image)  # it may have to be rebuilt

    async def read(start: int, end: int) -> Any:
        yield data[start:end]

    return _response(
        Blob(
            size=len(data),
            etag=etag,
            mime_type=MediaType.WEBP,
            file_name=file_name(image.prompt, image.id, "thumbnail.webp"),
            read=read,
        )
    )


HANDLERS = [list_images, search_images, list_image_days, get_image, delete_image, get_content, get_thumbnail]


def _response(blob: Blob) -> ASGIApp:
    return cast("ASGIApp", BlobResponse(blob))  # plain ASGI, for which Litestar has types of its own


def _read(service: Service, key: str, start: int, end: int) -> Any:
    return service.imagegen.adapters.blobs.open(key, start=start, end=end)
