"""Images: list, search, show, download, delete and restore."""

from collections.abc import Callable
from typing import Annotated, Any, Self, TypeVar

import attrs
from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from litestar.types import ASGIApp

from imagegen_core.costs import Basis
from imagegen_core.costs import Cost as CoreCost
from imagegen_core.errors import ValidationFailed
from imagegen_core.images import Image as CoreImage
from imagegen_core.images import MediaType, StorageState, ThumbnailSide, tag_name
from imagegen_core.limits import DEFAULT_PAGE_SIZE, MAX_LINK_HOURS, MAX_MODEL_ID_CHARS, MAX_TAG_CHARS
from imagegen_core.messages import ProblemCode
from imagegen_core.ports.gallery import ImageFilter, ImageList, ImageView, Match, SearchHit, SearchMode
from imagegen_core.ports.gallery import TrashedImage as CoreTrashedImage
from imagegen_core.requests import Operation
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.values import file_name
from imagegen_http.api import requests
from imagegen_http.api.errors import delete, download, get
from imagegen_http.api.requests import ImageIdPath, ServiceDependency, parse_image_id, query
from imagegen_http.api.responses import DELETED, Deleted, ListPage, Success, blob_response, listed, success
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import CACHEABLE
from imagegen_http.schemas import (
    NAME_PATTERN,
    TEXT_PATTERN,
    Answer,
    ImageId,
    JsonObject,
    ModelId,
    Prompt,
    ProviderName,
    TaskId,
    Time,
    doc,
    timestamp,
    with_exact_seed,
)
from imagegen_http.service import Service

_LINK = "https://images.example.com/api/v1/images/7/content?expires=1796544000&signature=9f86d081"


class Cost(Answer, frozen=True, kw_only=True):
    """What something costs, in the currency that the provider bills."""

    amount: Annotated[
        str | None, doc("a decimal number; with `unknown` what is known of it, or null", "0.20")
    ]
    currency: Annotated[str | None, doc("of the amount", "CNY")]
    basis: Annotated[
        Basis,
        doc(
            "`known`: the provider said it; `estimated`: by its price; `unknown`: more, or nobody knows",
            "estimated",
        ),
    ]

    @classmethod
    def from_cost(cls, cost: CoreCost) -> "Cost":
        return cls(amount=cost.text, currency=cost.currency, basis=cost.basis)

    @classmethod
    def optional(cls, cost: CoreCost | None) -> "Cost | None":
        return None if cost is None else cls.from_cost(cost)


class Image(Answer, frozen=True, kw_only=True):
    """The record of an image."""

    id: ImageId
    task_id: TaskId
    operation: Annotated[Operation, doc("what it was made by", "generate")]
    prompt: Prompt
    provider: ProviderName
    model_id: ModelId
    params: Annotated[JsonObject, doc("the parameters that it was made with", {"width": 512, "height": 512})]
    image_url: Annotated[str, doc("where its bytes are", "/api/v1/images/7/content")]
    thumbnail_url: Annotated[
        str | None, doc("where its thumbnail is; null for an SVG", "/api/v1/images/7/thumbnail")
    ]
    mime_type: Annotated[MediaType, doc("type of the stored bytes", "image/png")]
    width: Annotated[int, doc("pixels; 0 for an SVG that does not say it", 512)]
    height: Annotated[int, doc("pixels; 0 for an SVG that does not say it", 512)]
    size_bytes: Annotated[int, doc("size of the stored bytes", 56345)]
    sha256: Annotated[str, doc("SHA-256 of the stored bytes, in hexadecimal", "9f86d081884c7d65" * 4)]
    storage: Annotated[StorageState, doc("where the bytes are", "local")]
    metadata: Annotated[JsonObject, doc("what the provider said beside the image", {"seed": 7})]
    cost: Annotated[
        Cost | None, doc("its share of what its call cost; null if that was nothing, or was not recorded yet")
    ]
    favourite: Annotated[bool, doc("whether it is a favourite", example=False)]
    tags: Annotated[list[str], doc("its tags, in the order in which it got them", ["猫", "夜景"])]
    collections: Annotated[list[int], doc("ids of the collections that it is in", [3])]
    created_at: Time

    @classmethod
    def from_image(cls, image: CoreImage, **more: Any) -> Self:
        url = f"/api/v1/images/{image.id}"
        return cls(
            id=image.id,
            task_id=image.task_id,
            operation=image.operation,
            prompt=image.prompt,
            provider=image.provider_name,
            model_id=image.model_id,
            params=with_exact_seed(image.params),
            image_url=f"{url}/content",
            thumbnail_url=None if image.mime_type is MediaType.SVG else f"{url}/thumbnail",
            mime_type=image.mime_type,
            width=image.width,
            height=image.height,
            size_bytes=image.size_bytes,
            sha256=image.sha256,
            storage=image.storage,
            metadata=with_exact_seed(image.metadata),
            cost=Cost.optional(image.cost),
            favourite=image.marks.favourite,
            tags=list(image.marks.tags),
            collections=list(image.marks.collections),
            created_at=timestamp(image.created_at),
            **more,
        )


ImageT = TypeVar("ImageT", bound=Image)


class FoundImage(Image, frozen=True, kw_only=True):
    """The record of an image that a search came up with."""

    match: Annotated[Match, doc("whether its prompt has the words, or is only close to them", "exact")]


class ImageDetail(Image, frozen=True, kw_only=True):
    """The record of an image, its relatives, and what is beside it in the list that the query names."""

    parents: Annotated[list[ImageId], doc("images that its task took as inputs, in order", [3])]
    children: Annotated[list[ImageId], doc("the newest 100 images made from it, newest first", [12, 9])]
    previous: Annotated[
        int | None, doc("id of the image that the list shows before it; null for the first", 8)
    ]
    next: Annotated[int | None, doc("id of the image that the list shows after it; null for the last", 6)]

    @classmethod
    def from_view(cls, view: ImageView) -> "ImageDetail":
        return cls.from_image(
            view.image,
            parents=[*view.relatives.parents],
            children=[*view.relatives.children],
            previous=view.neighbours.previous,
            next=view.neighbours.next,
        )


class ImageDay(Answer, frozen=True, kw_only=True):
    """A day on which images were made."""

    day: Annotated[str, doc("of the time zone that was asked for", "2026-11-27", format="date")]
    count: Annotated[int, doc("images that were made on it, and are still there", 3)]


class ImageLink(Answer, frozen=True, kw_only=True):
    """An address of an image's bytes."""

    url: Annotated[str, doc("opens it for these hours, or for good where no token is set", _LINK)]


class ImageIdList(Answer, frozen=True, kw_only=True):
    """The ids of a list."""

    ids: Annotated[list[int], doc("in the order of the list", [8, 7])]
    has_more: Annotated[bool, doc("whether the list is longer", example=False)]


class DeletedImage(Answer, frozen=True, kw_only=True):
    """What an event says of an image that was deleted since."""

    id: ImageId
    deleted: Annotated[bool, doc("always true", example=True, const=True)]


_SMALL = ThumbnailSide.SMALL
_WORDS = 'words that must all occur; "…" is a phrase'
ModeQuery = Annotated[SearchMode, query("contains: exactly; relevant: then close ones")]
FilterDependency = NamedDependency[SkipValidation[ImageFilter]]
ListDependency = NamedDependency[SkipValidation[ImageList]]


async def image_filter(
    service: ServiceDependency,  # first: of two at once Litestar makes tasks of a group
    provider: requests.ProviderQuery = None,
    model_id: Annotated[str | None, query("only this model's", max_length=MAX_MODEL_ID_CHARS)] = None,
    operation: Annotated[Operation | None, query("only of this operation")] = None,
    created_from: requests.FromQuery = None,
    created_to: requests.ToQuery = None,
    favourite: Annotated[bool | None, query("only favourites, or only others")] = None,
    tag: Annotated[
        str | None,
        query("only with this tag, in any case and width", maxLength=MAX_TAG_CHARS, pattern=NAME_PATTERN),
    ] = None,
    collection: Annotated[int | None, query("only those in this collection: its id")] = None,
    tz: requests.ZoneQuery = "UTC",
) -> ImageFilter:
    since, until, _ = requests.parse_span(created_from, created_to, tz)
    return ImageFilter(
        provider_name=provider,
        model_id=model_id,
        operation=operation,
        created_from=since,
        created_to=until,
        favourite=favourite,
        tag=None if tag is None else tag_name(tag),
        collection=collection,
    )


async def image_list(
    service: ServiceDependency,
    criteria: FilterDependency,
    keyword: Annotated[str | None, query(_WORDS)] = None,
    mode: ModeQuery = SearchMode.CONTAINS,
) -> ImageList:
    """Return a search if there is a keyword, else the plain list."""
    query = None if keyword is None else SearchQuery.parse(keyword, service.imagegen.parts.simplify)
    return ImageList(criteria=criteria, query=query, mode=mode)


_CRITERIA = {"criteria": Provide(image_filter)}
_FILTER: dict[str, Any] = {"dependencies": _CRITERIA, "opt": {CACHEABLE: True}}
_LIST: dict[str, Any] = {**_FILTER, "dependencies": {**_CRITERIA, "images": Provide(image_list)}}


@get("/api/v1/images", "images", "validation_failed", **_FILTER)
async def list_images(
    service: ServiceDependency,
    criteria: FilterDependency,
    batch_id: requests.BatchQuery = None,
    order: requests.OrderQuery = "newest",
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[Image]]:
    """List images, newest or oldest first.

    `cursor` is how to read a long list: it costs the same at any depth. `batch_id` goes with no other filter.
    """
    if batch_id is not None:
        if criteria != ImageFilter():
            raise ValidationFailed.for_field("batch_id", ProblemCode.ALONE())
        scope = ["images", batch_id, order]
        paging = requests.parse_paging(page, page_size, cursor, scope, order)
        images_of_it = await service.imagegen.parts.images.of_batch(batch_id, paging)
        return listed(images_of_it, Image.from_image, number=page, size=page_size, query=scope)
    images, query = ImageList(criteria=criteria), ["images", order, *attrs.astuple(criteria)]
    paging = requests.parse_paging(page, page_size, cursor, query, order)
    return await _read_page(service, images, query, page, paging, lambda hit: Image.from_image(hit.image))


@get("/api/v1/images/search", "images", "validation_failed", "unavailable", **_FILTER)
async def search_images(
    service: ServiceDependency,
    criteria: FilterDependency,
    keyword: Annotated[str | None, query(_WORDS, examples=["猫"], minLength=1, pattern=TEXT_PATTERN)] = None,
    mode: ModeQuery = SearchMode.CONTAINS,
    order: requests.OrderQuery = "newest",
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[FoundImage]]:
    """Find images by any piece of their prompt.

    Case, width and traditional or simplified characters make no difference. `mode=relevant` adds those
    whose prompt is close, such as 可爱的小猫 for 可爱的猫.
    """
    parsed = SearchQuery.parse(keyword or "", service.imagegen.parts.simplify)
    images = ImageList(criteria=criteria, query=parsed, mode=mode)
    query = ["search", order, mode, parsed.words, *attrs.astuple(criteria)]
    paging = requests.parse_paging(page, page_size, cursor, query, order)

    def show(hit: SearchHit) -> FoundImage:
        return FoundImage.from_image(hit.image, match=hit.match)

    return await _read_page(service, images, query, page, paging, show)


async def _read_page(
    service: Service,
    images: ImageList,
    query: list[Any],
    page: int,
    paging: Paging,
    show: Callable[[SearchHit], ImageT],
) -> Success[ListPage[ImageT]]:
    async def read() -> "Success[ListPage[ImageT]]":
        hits = await service.imagegen.parts.images.list(images, paging)
        return listed(hits, show, number=page, size=paging.page_size, query=query)

    return await service.shared_reads.run((*query, paging, page), read)


@get("/api/v1/images/days", "images", "validation_failed", "unavailable", **_LIST)
async def list_image_days(
    service: ServiceDependency,
    images: ListDependency,
    tz: requests.ZoneQuery = "UTC",
    order: requests.OrderQuery = "newest",
) -> Success[list[ImageDay]]:
    """Count images by the day on which they were made; a day without any is left out.

    With a `keyword` only what a search for it finds is counted. `tz` says whose days these are.
    """
    zone = requests.parse_zone(tz)

    async def read() -> "Success[list[ImageDay]]":
        days = await service.imagegen.gallery.days(images, zone=zone)
        shown = [ImageDay(day=day.isoformat(), count=count) for day, count in days]
        return success(shown if order == "newest" else shown[::-1])

    return await service.shared_reads.run(("days", images, tz, order), read)


@get("/api/v1/images/ids", "images", "validation_failed", "unavailable", **_LIST)
async def list_image_ids(
    service: ServiceDependency, images: ListDependency, order: requests.OrderQuery = "newest"
) -> Success[ImageIdList]:
    """List the ids of all images of a list or a search at once, in its order.

    They are what `POST /api/v1/images/batch` and `zip` take. Of a longer list these are the first 10,000.
    """
    ids, page = await service.imagegen.gallery.ids(images, oldest_first=order == "oldest")
    return success(ImageIdList(ids=[*ids], has_more=page.has_more))


@get(
    "/api/v1/images/{image_id:str}", "images", "validation_failed", "image_not_found", "unavailable", **_LIST
)
async def get_image(
    image_id: ImageIdPath,
    service: ServiceDependency,
    images: ListDependency,
    order: requests.OrderQuery = "newest",
) -> Success[ImageDetail]:
    """Show an image's record, what it was made from and what from it, and what is beside it in a list.

    Its bytes are at `image_url`, a small preview at `thumbnail_url`. Both stay for as long as the record
    does.
    """
    gallery, oldest_first = service.imagegen.gallery, order == "oldest"
    view = await gallery.show(parse_image_id(image_id), images, oldest_first=oldest_first)
    return success(ImageDetail.from_view(view))


@get("/api/v1/images/{image_id:str}/link", "images", "image_not_found")
async def get_image_link(
    image_id: ImageIdPath,
    service: ServiceDependency,
    request: Request[Any, Any, Any],
    hours: Annotated[int, query("how many hours it opens it", ge=1, le=MAX_LINK_HOURS)] = 24,
) -> Success[ImageLink]:
    """Make an absolute address that opens an image's bytes.

    Where a token is set, the address opens this image without it, for some hours and for whoever has it.
    """
    image = await service.imagegen.parts.images.get(parse_image_id(image_id))
    base_url = service.base_url(str(request.base_url))
    return success(ImageLink(url=service.links.url(image.id, base_url, hours * 3600)))


@delete("/api/v1/images/{image_id:str}", "images", "image_not_found")
async def delete_image(image_id: ImageIdPath, service: ServiceDependency) -> Deleted:
    """Delete an image for good, also from the trash: record, file, thumbnail and OSS object.

    It is gone at once for all readers; an object that OSS does not remove now is removed later. The action
    `trash` of `POST /api/v1/images/batch` leaves a way back.
    """
    await service.imagegen.gallery.delete_one(parse_image_id(image_id))
    return DELETED


@download("/api/v1/images/{image_id:str}/content", "images", "image_not_found", "unavailable")
async def get_content(image_id: ImageIdPath, service: ServiceDependency) -> ASGIApp:
    """Fetch an image's bytes, exactly as the provider sent them.

    They never change, so caches may hold them for good. One `Range` is answered with 206, a known `ETag`
    with 304. A signed link, with `expires` and `signature`, opens one image without the token until then.
    An SVG comes as an attachment, under a policy by which it can run and fetch nothing.
    """
    image = await service.imagegen.parts.images.get(parse_image_id(image_id))
    return blob_response(
        size=image.size_bytes,
        etag=image.sha256,
        mime_type=image.mime_type,
        file_name=file_name(image.prompt, image.id, MediaType(image.mime_type).extension),
        read=lambda start, end: service.imagegen.parts.blobs.open(image.blob_key, start=start, end=end),
    )


@download(
    "/api/v1/images/{image_id:str}/thumbnail",
    "images",
    "validation_failed",
    "image_not_found",
    "thumbnail_not_found",
    "unavailable",
)
async def get_thumbnail(
    image_id: ImageIdPath,
    service: ServiceDependency,
    request: Request[Any, Any, Any],
    size: Annotated[ThumbnailSide, query("pixels of the longer side, or those of a smaller image")] = _SMALL,
) -> ASGIApp:
    """Fetch an image's thumbnail: WebP, at most 512 pixels a side, or 1024 with `size=1024`.

    The first request makes it, unless an idle service has made the small one. Caches may hold it for good. An
    SVG has none.
    """
    image = await service.imagegen.parts.images.get(parse_image_id(image_id))
    return await _thumbnail(service, request, image, size)


async def _thumbnail(
    service: Service, request: Request[Any, Any, Any], image: CoreImage, size: ThumbnailSide = _SMALL
) -> ASGIApp:
    etag = f"{image.sha256}-thumbnail" + (f"-{size}" if size is not _SMALL else "")
    is_unchanged = asgi.matches(request.headers.get("if-none-match", ""), f'"{etag}"')
    data = b"" if is_unchanged else await service.imagegen.gallery.thumbnail(image, size)

    async def read(start: int, end: int) -> Any:
        yield data[start:end]

    return blob_response(
        size=len(data),
        etag=etag,
        mime_type=MediaType.WEBP,
        file_name=file_name(image.prompt, image.id, "thumbnail.webp"),
        read=read,
    )


# ---------------------------------------------------------------- the trash


class TrashedImage(Answer, frozen=True, kw_only=True):
    """A deleted image that can still be restored."""

    id: ImageId
    prompt: Prompt
    provider: ProviderName
    model_id: ModelId
    thumbnail_url: Annotated[
        str | None, doc("where its thumbnail is; null for an SVG", "/api/v1/trash/7/thumbnail")
    ]
    width: Annotated[int, doc("pixels; 0 for an SVG that does not say it", 512)]
    height: Annotated[int, doc("pixels; 0 for an SVG that does not say it", 512)]
    size_bytes: Annotated[int, doc("size of the stored bytes", 56345)]
    created_at: Time
    trashed_at: Annotated[Time, doc("when it was deleted")]
    expires_at: Annotated[Time, doc("when it is deleted for good")]


@get("/api/v1/trash", "images", "validation_failed")
async def list_trash(
    service: ServiceDependency,
    order: requests.OrderQuery = "newest",
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[TrashedImage]]:
    """List deleted images that can be restored, in the order of their deletion.

    They are nowhere else. The action `restore` of `POST /api/v1/images/batch` brings them back.
    """
    gallery = service.imagegen.gallery

    def show(trashed: CoreTrashedImage) -> TrashedImage:
        image = trashed.image
        url = None if image.mime_type is MediaType.SVG else f"/api/v1/trash/{image.id}/thumbnail"
        return TrashedImage.from_attributes(
            image,
            provider=image.provider_name,
            thumbnail_url=url,
            trashed_at=trashed.trashed_at,
            expires_at=gallery.deleted_at(trashed),
        )

    query = ["trash", order]
    paging = requests.parse_paging(page, page_size, cursor, query, order)
    trashed_images = await service.imagegen.parts.trash.list(paging)
    return listed(trashed_images, show, number=page, size=page_size, query=query)


@delete("/api/v1/trash", "images")
async def empty_trash(service: ServiceDependency) -> Deleted:
    """Delete for good all that is in the trash.

    If that is interrupted, the rest stays there; ask again. `DELETE /api/v1/images/{image_id}` deletes one.
    """
    await service.imagegen.gallery.empty_trash()
    return DELETED


@download(
    "/api/v1/trash/{image_id:str}/thumbnail",
    "images",
    "image_not_found",
    "thumbnail_not_found",
    "unavailable",
)
async def get_trash_thumbnail(
    image_id: ImageIdPath, service: ServiceDependency, request: Request[Any, Any, Any]
) -> ASGIApp:
    """Fetch the thumbnail of a deleted image that can be restored.

    As that of any image: WebP, at most 512 pixels a side.
    """
    trashed = await service.imagegen.parts.trash.get(parse_image_id(image_id))
    return await _thumbnail(service, request, trashed.image)
