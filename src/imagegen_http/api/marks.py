"""Marks of images: favourites, tags, collections; and what is done to many images at once."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import parse_qsl

from litestar.params import JSONBody
from litestar.types import ASGIApp
from msgspec import UNSET, Meta, UnsetType

from imagegen_core import limits
from imagegen_core.errors import ValidationFailed
from imagegen_core.images import Collection as CoreCollection
from imagegen_core.images import MarkChange
from imagegen_core.messages import ProblemCode
from imagegen_core.search import Page
from imagegen_http.api import requests
from imagegen_http.api.errors import delete, get, patch, post
from imagegen_http.api.images import ImageDetail
from imagegen_http.api.requests import (
    CollectionPath,
    ImageIdPath,
    JsonRequest,
    ServiceDependency,
    parse_image_id,
    query,
)
from imagegen_http.api.responses import DELETED, Deleted, ListPage, Success, listed, success, zip_response
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import CACHEABLE, InboundRequest, Scope
from imagegen_http.guard.bodies import FORM, ZIP, media_type
from imagegen_http.schemas import NAME_PATTERN, Answer, Body, Time, doc


class ChangedImages(Answer, frozen=True, kw_only=True):
    """What a change of many images did."""

    changed: Annotated[int, doc("images that were changed; the others were so already", 2)]
    missing: Annotated[list[int], doc("ids that no image has", [7])]


class Tag(Answer, frozen=True, kw_only=True):
    """A tag that images have."""

    tag: Annotated[str, doc("as it was first written", "猫")]
    count: Annotated[int, doc("images that have it", 12)]


class Collection(Answer, frozen=True, kw_only=True):
    """A named set of images."""

    id: Annotated[int, doc("id of the collection", 3)]
    name: Annotated[str, doc("its name", "夜景")]
    count: Annotated[int, doc("images that are in it", 12)]
    cover_image_id: Annotated[int | None, doc("id of the newest of them; null while it is empty", 7)]
    created_at: Time

    @classmethod
    def from_collection(cls, collection: CoreCollection) -> "Collection":
        return cls.from_attributes(collection, cover_image_id=collection.cover)


EXAMPLE_COLLECTION = "猫的图片"
_TAG_WORDS = Meta(
    extra_json_schema={"minLength": 1, "maxLength": limits.MAX_TAG_CHARS, "pattern": NAME_PATTERN}
)
_TAGS = f"in place of all that it has: at most {limits.MAX_TAGS} of 1 to {limits.MAX_TAG_CHARS} characters"


class MarkBody(Body, frozen=True, kw_only=True):
    """What is to be other of an image; what is left out stays as it is."""

    favourite: Annotated[bool, doc("whether it is a favourite", example=True)] | UnsetType = UNSET
    tags: Annotated[list[Annotated[str, _TAG_WORDS]], doc(_TAGS, ["猫", "动物"])] | UnsetType = UNSET


class BatchAction(StrEnum):
    """What may be done to many images at once."""

    DELETE = "delete"
    TRASH = "trash"
    RESTORE = "restore"
    FAVOURITE = "favourite"
    UNFAVOURITE = "unfavourite"
    TAG = "tag"
    UNTAG = "untag"
    ADD_TO = "add_to"
    REMOVE_FROM = "remove_from"


_ARGUMENTS = {
    "tag": (BatchAction.TAG, BatchAction.UNTAG),
    "collection": (BatchAction.ADD_TO, BatchAction.REMOVE_FROM),
}
"""The actions that need each field; no other may have it."""


class BatchBody(Body, frozen=True, kw_only=True):
    """What is to be done to many images: to all of them or, if it is refused, to none."""

    ids: Annotated[
        list[int], doc("ids of images; missing ones are no error", [1], max_length=limits.MAX_BATCH_IMAGES)
    ]
    action: Annotated[BatchAction, doc("what to do", BatchAction.TAG)]
    tag: Annotated[str, doc("for `tag` and `untag`", "猫"), _TAG_WORDS] | None = None
    collection: Annotated[int | None, doc("its id, for `add_to` and `remove_from`")] = None

    schema_words: ClassVar[Mapping[str, Any]] = {
        "allOf": [
            {
                "if": {"properties": {"action": {"enum": [*_ARGUMENTS[name]]}}},
                "then": {"properties": {name: {"type": kind}}, "required": [name]},
                "else": {"properties": {name: {"type": "null"}}},
            }
            for name, kind in (("tag", "string"), ("collection", "integer"))
        ]
    }

    @property
    def change(self) -> MarkChange | None:
        """The change of marks; None for an action that takes images away, or brings them back."""
        change: dict[str, Any] = {"favourite": self.action is BatchAction.FAVOURITE}
        for name, actions in _ARGUMENTS.items():
            value, is_needed = getattr(self, name), self.action in actions
            if value is None and is_needed:
                raise ValidationFailed.for_field(name, ProblemCode.REQUIRED())
            if value is not None and not is_needed:
                raise ValidationFailed.for_field(name, ProblemCode.NOT_WITH_ACTION(action=self.action))
            if is_needed:
                change = {str(self.action): value}
        moves = (BatchAction.DELETE, BatchAction.TRASH, BatchAction.RESTORE)
        return None if self.action in moves else MarkChange(**change)


_COLLECTION_NAME = f"1 to {limits.MAX_COLLECTION_NAME_CHARS} characters, which no other collection has"
_COLLECTION_WORDS = {"minLength": 1, "maxLength": limits.MAX_COLLECTION_NAME_CHARS, "pattern": NAME_PATTERN}
_ZIPPED = "ids of images, in this order; each once"
_ZIPPED_WORDS = {"min_length": 1, "max_length": limits.MAX_ZIPPED_IMAGES}


class CollectionBody(Body, frozen=True, kw_only=True):
    """The name of a collection."""

    name: Annotated[str, doc(_COLLECTION_NAME, EXAMPLE_COLLECTION, **_COLLECTION_WORDS)]


class ZipBody(Body, frozen=True, kw_only=True):
    """Which images to put into a zip file. A form has the numbers in one field ``ids`` or several."""

    ids: Annotated[list[Annotated[int, Meta(ge=1, le=2**63 - 1)]], doc(_ZIPPED, [1], **_ZIPPED_WORDS)]


@patch("/api/v1/images/{image_id:str}", "images", "image_not_found", "unavailable")
async def mark_image(
    image_id: ImageIdPath, data: JSONBody[MarkBody], service: ServiceDependency
) -> Success[ImageDetail]:
    """Change whether an image is a favourite, and its tags.

    The answer is its record, with what is beside it among all images. Tags are replaced, not added;
    `POST /api/v1/images/batch` adds one.
    """
    number, tags = parse_image_id(image_id), None if data.tags is UNSET else tuple(data.tags)
    change = MarkChange(favourite=None if data.favourite is UNSET else data.favourite, tags=tags)
    image = await service.imagegen.gallery.mark_one(number, change)
    return success(ImageDetail.from_view(await service.imagegen.gallery.show(image.id)))


@post("/api/v1/images/batch", "images", "collection_not_found", "too_many_tags")
async def change_images(data: JSONBody[BatchBody], service: ServiceDependency) -> Success[ChangedImages]:
    """Take many images away at once, or mark them: all of them or, if it is refused, none.

    `trash` leaves a way back for `storage.trash_days`: `restore`. `delete` leaves none. `tag` and `untag`
    need a `tag`; `add_to` and `remove_from` need a `collection`. Images that are missing are named, and are
    no error.
    """
    gallery, change = service.imagegen.gallery, data.change
    moves = {BatchAction.TRASH: gallery.trash, BatchAction.RESTORE: gallery.restore}
    if change is None:
        result = await moves.get(data.action, gallery.delete)(data.ids)
    else:
        result = await gallery.mark(data.ids, change)
    return success(ChangedImages.from_attributes(result))


@get("/api/v1/tags", "images", "validation_failed", opt={CACHEABLE: True})
async def list_tags(
    service: ServiceDependency,
    prefix: Annotated[str, query("only those that begin with this", max_length=limits.MAX_TAG_CHARS)] = "",
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = limits.MAX_PAGE_SIZE,
) -> Success[ListPage[Tag]]:
    """List the most used tags.

    With how many images have each. `prefix` completes what somebody types.
    """
    uses = await service.imagegen.parts.marks.tags(prefix.strip(), Page.enough(page, page_size))
    tags = Page.of_all(uses, number=page, size=page_size)
    return listed(tags, lambda use: Tag(tag=use.name, count=use.count), number=page, size=page_size)


@get("/api/v1/collections", "collections", "validation_failed", opt={CACHEABLE: True})
async def list_collections(
    service: ServiceDependency,
    page: requests.PageQuery = 1,
    page_size: Annotated[
        int, query("items a page; all of them when left out", ge=1, le=limits.MAX_COLLECTIONS)
    ] = limits.MAX_COLLECTIONS,
) -> Success[ListPage[Collection]]:
    """List all collections, newest first.

    With how many images are in each. `GET /api/v1/images?collection=` lists those.
    """
    matches = Page.of_all(await service.imagegen.parts.marks.collections(), number=page, size=page_size)
    return listed(matches, Collection.from_collection, number=page, size=page_size)


@post("/api/v1/collections", "collections", "collection_exists", "too_many_collections")
async def create_collection(
    data: JSONBody[CollectionBody], service: ServiceDependency
) -> Success[Collection]:
    """Create an empty collection.

    `POST /api/v1/images/batch` puts images into it. Its name belongs to it alone.
    """
    collection = await service.imagegen.gallery.create_collection(name=data.name)
    return success(Collection.from_collection(collection))


@patch("/api/v1/collections/{collection_id:str}", "collections", "collection_not_found", "collection_exists")
async def rename_collection(
    collection_id: CollectionPath, data: JSONBody[CollectionBody], service: ServiceDependency
) -> Success[Collection]:
    """Give a collection another name.

    Its id and its images stay. `POST /api/v1/collections` creates one.
    """
    number = requests.parse_collection_id(collection_id)
    collection = await service.imagegen.gallery.rename_collection(number, data.name)
    return success(Collection.from_collection(collection))


@delete("/api/v1/collections/{collection_id:str}", "collections", "collection_not_found")
async def delete_collection(collection_id: CollectionPath, service: ServiceDependency) -> Deleted:
    """Delete a collection; its images stay.

    They are in no collection then, or in their others. `POST /api/v1/collections` creates one.
    """
    await service.imagegen.parts.marks.remove_collection(requests.parse_collection_id(collection_id))
    return DELETED


@post(ZIP, "images", "image_not_found", "unavailable")
async def zip_images(request: JsonRequest, service: ServiceDependency) -> ASGIApp:
    """Fetch images as one zip file, which is made while it is sent.

    In the order of `ids`, each named after its prompt. A form may ask for it as well, as a browser does to
    save it.
    """
    text = bytes(request.buffered_body.text)
    is_form = media_type(InboundRequest.from_scope(cast("Scope", request.scope))) == FORM
    body = requests.converted(_fields(text), ZipBody) if is_form else requests.decoded(text, ZipBody)
    return zip_response(service.imagegen.gallery.zip(body.ids, language=asgi.language.get()))


def _fields(text: bytes) -> dict[str, list[str]]:
    """Return a form's fields, with all values of one name, split at commas and spaces."""
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text.decode("latin-1"), max_num_fields=limits.MAX_ZIPPED_IMAGES)
    except ValueError as error:
        reason = ProblemCode.TOO_MANY_ITEMS(maximum=limits.MAX_ZIPPED_IMAGES)
        raise ValidationFailed.for_field("ids", reason) from error
    for name, value in pairs:
        fields.setdefault(name, []).extend(value.replace(",", " ").split())
    return fields
