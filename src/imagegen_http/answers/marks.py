"""Marks of images: what a change of many did, tags, collections."""

from typing import Annotated

from imagegen_core.marks.collection import Collection as CoreCollection
from imagegen_core.marks.collection import TagUse
from imagegen_core.marks.marks import ChangedImages as CoreChangedImages
from imagegen_http.answers.fields import Answer, Time, doc, timestamp

Tags = Annotated[list[str], doc("its tags, in the order in which it got them", ["猫", "夜景"])]
CollectionIds = Annotated[list[int], doc("ids of the collections that it is in", [3])]
Favourite = Annotated[bool, doc("whether it is a favourite", example=False)]


class ChangedImages(Answer, frozen=True, kw_only=True):
    """What a change of many images did."""

    changed: Annotated[int, doc("images that were changed; the others were so already", 2)]
    missing: Annotated[list[int], doc("ids that no image has", [7])]

    @classmethod
    def from_result(cls, result: CoreChangedImages) -> "ChangedImages":
        """Return what a change did."""
        return cls(changed=result.changed, missing=list(result.missing))


class Tag(Answer, frozen=True, kw_only=True):
    """A tag that images have."""

    tag: Annotated[str, doc("as it was first written", "猫")]
    count: Annotated[int, doc("images that have it", 12)]

    @classmethod
    def from_use(cls, use: TagUse) -> "Tag":
        """Return a tag and how often it is used."""
        return cls(tag=use.name, count=use.count)


class Collection(Answer, frozen=True, kw_only=True):
    """A named set of images."""

    id: Annotated[int, doc("id of the collection", 3)]
    name: Annotated[str, doc("its name", "夜景")]
    count: Annotated[int, doc("images that are in it", 12)]
    cover_image_id: Annotated[int | None, doc("id of the newest of them; null while it is empty", 7)]
    created_at: Time

    @classmethod
    def from_collection(cls, collection: CoreCollection) -> "Collection":
        """Return a collection."""
        return cls(
            id=collection.id,
            name=collection.name,
            count=collection.count,
            cover_image_id=collection.cover,
            created_at=timestamp(collection.created_at),
        )
