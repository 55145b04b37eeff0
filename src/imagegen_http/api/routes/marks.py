"""Marks of images: favourites, tags, collections; and what is done to many images at once."""

import re
from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from imagegen_core.errors import CollectionNotFound
from imagegen_core.limits import MAX_COLLECTIONS, MAX_PAGE_SIZE, MAX_TAG_CHARS
from imagegen_core.search.pages import Page
from imagegen_http.answers.envelope import DELETED, Deleted, ListPage, Success, success
from imagegen_http.answers.images import ImageDetail
from imagegen_http.answers.marks import ChangedImages, Collection, Tag
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.api.bodies.marks import BatchBody, CollectionBody, MarkBody
from imagegen_http.api.routes.dependencies import (
    ROW_ID,
    ImageIdPath,
    PageQuery,
    PageSizeQuery,
    ServiceDependency,
    parse_image_id,
)
from imagegen_http.asgi.response_cache import CACHEABLE

CollectionPath = Annotated[
    str,
    PathParameter(
        description="id of a collection", schema_extra={"examples": ["1"], "pattern": f"^{ROW_ID}$"}
    ),
]
PrefixQuery = Annotated[
    str, QueryParameter(max_length=MAX_TAG_CHARS, description="only those that begin with this")
]
CollectionLimitQuery = Annotated[
    int, QueryParameter(ge=1, le=MAX_COLLECTIONS, description="items a page; all of them when left out")
]


@patch(
    "/api/v1/images/{image_id:str}",
    tags=["images"],
    responses=refusals(*BODY_REFUSALS, "image_not_found", "unavailable"),
)
async def mark_image(
    image_id: ImageIdPath, data: JSONBody[MarkBody], service: ServiceDependency
) -> Success[ImageDetail]:
    """Change whether an image is a favourite, and its tags.

    The answer is its record, with what is beside it among all images. Tags are replaced, not added;
    `POST /api/v1/images/batch` adds one.
    """
    image = await service.imagegen.mark_image(image_id=parse_image_id(image_id), change=data.change)
    return success(ImageDetail.from_view(await service.imagegen.show_image(image_id=image.id)))


@post(
    "/api/v1/images/batch",
    status_code=200,
    tags=["images"],
    responses=refusals(*BODY_REFUSALS, "collection_not_found", "too_many_tags"),
)
async def change_images(data: JSONBody[BatchBody], service: ServiceDependency) -> Success[ChangedImages]:
    """Delete many images at once, or mark them: all of them or, if it is refused, none.

    `tag` and `untag` need a `tag`; `add_to` and `remove_from` need a `collection`. Images that are
    missing are named, and are no error.
    """
    change = data.change
    if change is None:
        result = await service.imagegen.delete_images(image_ids=data.ids)
    else:
        result = await service.imagegen.mark_images(image_ids=data.ids, change=change)
    return success(ChangedImages.from_result(result))


@get("/api/v1/tags", opt={CACHEABLE: True}, tags=["images"], responses=refusals("validation_failed"))
async def list_tags(
    service: ServiceDependency,
    prefix: PrefixQuery = "",
    page: PageQuery = 1,
    page_size: PageSizeQuery = MAX_PAGE_SIZE,
) -> Success[ListPage[Tag]]:
    """List the most used tags.

    With how many images have each. `prefix` completes what somebody types.
    """
    limit = Page.enough(page, page_size)
    uses = await service.imagegen.adapters.marks.tags(prefix.strip(), limit)
    matches = Page.of_all(uses, number=page, size=page_size)
    items = [Tag.from_use(use) for use in matches.items]
    return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=None))


@get(
    "/api/v1/collections",
    opt={CACHEABLE: True},
    tags=["collections"],
    responses=refusals("validation_failed"),
)
async def list_collections(
    service: ServiceDependency, page: PageQuery = 1, page_size: CollectionLimitQuery = MAX_COLLECTIONS
) -> Success[ListPage[Collection]]:
    """List all collections, newest first.

    With how many images are in each. `GET /api/v1/images?collection=` lists those.
    """
    collections = await service.imagegen.adapters.marks.collections()
    matches = Page.of_all(collections, number=page, size=page_size)
    items = [Collection.from_collection(collection) for collection in matches.items]
    return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=None))


@post(
    "/api/v1/collections",
    status_code=200,
    tags=["collections"],
    responses=refusals(*BODY_REFUSALS, "collection_exists", "too_many_collections"),
)
async def create_collection(
    data: JSONBody[CollectionBody], service: ServiceDependency
) -> Success[Collection]:
    """Create an empty collection.

    `POST /api/v1/images/batch` puts images into it. Its name belongs to it alone.
    """
    collection = await service.imagegen.create_collection(name=data.name)
    return success(Collection.from_collection(collection))


@patch(
    "/api/v1/collections/{collection_id:str}",
    tags=["collections"],
    responses=refusals(*BODY_REFUSALS, "collection_not_found", "collection_exists"),
)
async def rename_collection(
    collection_id: CollectionPath, data: JSONBody[CollectionBody], service: ServiceDependency
) -> Success[Collection]:
    """Give a collection another name.

    Its id and its images stay. `POST /api/v1/collections` creates one.
    """
    number = _parse_collection_id(collection_id)
    collection = await service.imagegen.rename_collection(collection_id=number, name=data.name)
    return success(Collection.from_collection(collection))


@delete(
    "/api/v1/collections/{collection_id:str}",
    status_code=200,
    tags=["collections"],
    responses=refusals("collection_not_found"),
)
async def delete_collection(collection_id: CollectionPath, service: ServiceDependency) -> Deleted:
    """Delete a collection; its images stay.

    They are in no collection then, or in their others. `POST /api/v1/collections` creates one.
    """
    await service.imagegen.adapters.marks.remove_collection(_parse_collection_id(collection_id))
    return DELETED


HANDLERS = [
    mark_image,
    change_images,
    list_tags,
    list_collections,
    create_collection,
    rename_collection,
    delete_collection,
]


def _parse_collection_id(text: str) -> int:
    """Return a well-formed id of a collection.

    Raises:
        CollectionNotFound: it is malformed, so no collection can have it.
    """
    if not re.fullmatch(ROW_ID, text):
        raise CollectionNotFound(text[:64])
    return int(text)
