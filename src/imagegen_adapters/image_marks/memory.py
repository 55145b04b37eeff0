"""Marks of images in memory."""

from collections import Counter
from collections.abc import Collection as Ids
from datetime import datetime

import attrs

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.errors import CollectionExists, CollectionNotFound, TooManyCollections, TooManyTags
from imagegen_core.images import Image
from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS
from imagegen_core.marks import ChangedImages, Collection, MarkChange, TagUse, fold_name


class MemoryImageMarks:
    """The marks of the images of ``state``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def change(self, image_ids: Ids[int], change: MarkChange) -> ChangedImages:
        if change.collection is not None:
            self._get(change.collection)
        images = [self._state.images[image_id] for image_id in image_ids if image_id in self._state.images]
        changed = [after for image in images if (after := self._changed(image, change)) != image]
        if crowded := tuple(image.id for image in changed if len(image.marks.tags) > MAX_TAGS):
            raise TooManyTags(crowded)
        self._state.images.update({image.id: image for image in changed})
        missing = tuple(image_id for image_id in image_ids if image_id not in self._state.images)
        return ChangedImages(changed=len(changed), missing=missing)

    async def tags(self, prefix: str, limit: int) -> tuple[TagUse, ...]:
        names, start = self._tag_names(), fold_name(prefix)
        counts = Counter(
            fold_name(name) for image in self._state.images.values() for name in image.marks.tags
        )
        ranked = sorted((-count, folded) for folded, count in counts.items() if folded.startswith(start))
        return tuple(TagUse(name=names[folded], count=-negative) for negative, folded in ranked[:limit])

    async def collections(self) -> tuple[Collection, ...]:
        return tuple(self._get(collection_id) for collection_id in reversed(self._state.collections))

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        self._check_name(name)
        if len(self._state.collections) >= MAX_COLLECTIONS:
            raise TooManyCollections
        self._state.last_collection_id += 1
        collection = Collection(id=self._state.last_collection_id, name=name, created_at=created_at)
        self._state.collections[collection.id] = collection
        return collection

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        self._get(collection_id)
        self._check_name(name, collection_id)
        renamed = attrs.evolve(self._state.collections[collection_id], name=name)
        self._state.collections[collection_id] = renamed
        return self._get(collection_id)

    async def remove_collection(self, collection_id: int) -> None:
        self._get(collection_id)
        await self.change(tuple(self._state.images), MarkChange(remove_from=collection_id))
        del self._state.collections[collection_id]

    def _changed(self, image: Image, change: MarkChange) -> Image:
        marks, names = change.apply(image.marks), self._tag_names()
        tags = tuple(names.get(fold_name(name), name) for name in marks.tags)
        return attrs.evolve(image, marks=attrs.evolve(marks, tags=tags))

    def _tag_names(self) -> dict[str, str]:
        """Return the tags that images have, as they were first written."""
        return {fold_name(name): name for image in self._state.images.values() for name in image.marks.tags}

    def _get(self, collection_id: int) -> Collection:
        if collection_id not in self._state.collections:
            raise CollectionNotFound(collection_id)
        ids = [i.id for i in self._state.images.values() if collection_id in i.marks.collections]
        collection = self._state.collections[collection_id]
        return attrs.evolve(collection, count=len(ids), cover=max(ids, default=None))

    def _check_name(self, name: str, own_id: int = 0) -> None:
        for other in self._state.collections.values():
            if other.id != own_id and fold_name(other.name) == fold_name(name):
                raise CollectionExists(other.name, other.id)
