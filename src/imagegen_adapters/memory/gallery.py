"""Images, marks and the outbox in memory: the shortest statement of what their ports mean."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection as Ids
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TypeAlias

import attrs

from imagegen_adapters.memory.tasks import MemoryState
from imagegen_adapters.stores.rows import list_page
from imagegen_adapters.stores.search import ranked_ids, relevant_page
from imagegen_adapters.stores.sql import Steps, run
from imagegen_core.errors import (
    CollectionExists,
    CollectionNotFound,
    ImageNotFound,
    TooManyCollections,
    TooManyTags,
)
from imagegen_core.images import ChangedImages, Collection, Image, MarkChange, StorageState, TagUse, fold_name
from imagegen_core.limits import MAX_COLLECTIONS, MAX_PAGE_SIZE, MAX_TAGS
from imagegen_core.messages import Message
from imagegen_core.ports.gallery import ImageFilter, ImageList, Neighbours, Relatives, SearchHit, SearchMode
from imagegen_core.ports.outbox import MAX_DEFERRAL, OutboxCounts, OutboxEntry, OutboxKind
from imagegen_core.search import Page, Paging, SearchQuery, fold
from imagegen_core.values import quarter_of

_Images: TypeAlias = list[Image]
_Numbers: TypeAlias = list[int]


class MemoryGallery:
    """Lists and searches by brute force, as a reference for the other adapters."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def get(self, image_id: int) -> Image:
        try:
            return self._state.images[image_id]
        except KeyError:
            raise ImageNotFound(image_id) from None

    async def of_task(self, task_id: str) -> tuple[Image, ...]:
        images = [image for image in self._state.images.values() if image.task_id == task_id]
        attempts = self._state.attempts
        return tuple(sorted(images, key=lambda one: (attempts[one.attempt_id].part, one.position, one.id)))

    async def list(self, images: ImageList, paging: Paging) -> Page[SearchHit]:
        query, exact = images.query, self._matching(images.criteria)
        if query is not None:
            exact = [image for image in exact if query.matches(self._folded(image))]
        if images.similar_to is not None:
            return self._relevant(exact, images.similar_to, images.criteria, paging)
        return list_page(((image.id, SearchHit(image=image)) for image in exact), paging)

    async def delete(self, image_ids: Ids[int]) -> tuple[Image, ...]:
        images = tuple(self._state.images[i] for i in dict.fromkeys(image_ids) if i in self._state.images)
        for image in images:
            del self._state.images[image.id]
            for key in filter(None, (image.blob_key, image.thumbnail_key)):
                self._state.add_to_outbox(OutboxKind.REMOVE, key, None)
        return images

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        if image_id in self._state.images:
            self._state.images[image_id] = attrs.evolve(self._state.images[image_id], storage=state)

    async def span(self) -> tuple[int, int] | None:
        quarters = [quarter_of(image.created_at) for image in self._state.images.values()]
        return (min(quarters), max(quarters)) if quarters else None

    async def count_by_quarter(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        shown = await self._shown(attrs.evolve(images, mode=SearchMode.CONTAINS))
        counts = Counter(bisect_right(bounds, quarter_of(image.created_at)) for image in shown)
        return tuple(counts[number] for number in range(1, len(bounds)))

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        ids = [image.id for image in await self._shown(images)]
        if image_id not in ids:
            return Neighbours()
        place = ids.index(image_id)
        return Neighbours(previous=ids[place - 1] if place else None, next=next(iter(ids[place + 1 :]), None))

    async def relatives(self, image_id: int, *, limit: int) -> Relatives:
        image = self._state.images.get(image_id)
        if image is None:
            return Relatives()
        newest_first = reversed(self._state.images.values())
        children = [one.id for one in newest_first if image_id in self._parents(one)]
        return Relatives(parents=self._parents(image), children=tuple(children[:limit]))

    async def existing(self, image_ids: Ids[int]) -> frozenset[int]:
        return frozenset(image_id for image_id in image_ids if image_id in self._state.images)

    async def stored(
        self,
        *,
        state: StorageState | None = None,
        created_before: datetime | None = None,
        after: Image | int = 0,
        limit: int = 100,
    ) -> tuple[Image, ...]:
        if created_before is None:
            after_id = after.id if isinstance(after, Image) else after
            return tuple([image for image in self._in_state(state) if image.id > after_id][:limit])
        old = [one for one in self._in_state(StorageState.BOTH) if one.created_at < created_before]
        following = [one for one in old if not isinstance(after, Image) or _age(one) > _age(after)]
        return tuple(sorted(following, key=_age)[:limit])

    async def count(
        self, *, state: StorageState | None = None, created_before: datetime | None = None
    ) -> int:
        images = self._in_state(state)
        return sum(created_before is None or image.created_at < created_before for image in images)

    async def unknown(self, keys: Ids[str]) -> frozenset[str]:
        recorded = {key for one in self._state.images.values() for key in (one.blob_key, one.thumbnail_key)}
        return frozenset(keys) - recorded

    def _relevant(
        self, exact: _Images, query: SearchQuery, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        def exact_ids(*, limit: int, offset: int, before: int) -> Steps[_Numbers]:
            yield from ()
            return [image.id for image in exact if image.id < before][offset : offset + limit]

        def similar(newest: int) -> Steps[_Numbers]:
            yield from ()
            images = (image for image in self._matching(criteria) if image.id <= newest)
            return ranked_ids(query, {image.id: self._folded(image) for image in images})

        newest = self._state.last_ids["image"]
        steps = relevant_page(paging, exact=exact_ids, exact_count=len(exact), similar=similar, newest=newest)
        page = run(steps, None)
        return page.with_items(SearchHit(image=self._state.images[i], match=match) for i, match in page.items)

    async def _shown(self, images: ImageList) -> _Images:
        shown: _Images = []
        page = None
        while page is None or page.has_more:
            paging = Paging(page=1 + len(shown) // MAX_PAGE_SIZE, page_size=MAX_PAGE_SIZE)
            page = await self.list(images, paging)
            shown += [hit.image for hit in page.items]
        return shown

    def _folded(self, image: Image) -> str:
        return fold(image.prompt, self._state.simplify)

    def _matching(self, criteria: ImageFilter) -> _Images:
        return [image for image in reversed(self._state.images.values()) if _fits(image, criteria)]

    def _in_state(self, state: StorageState | None) -> _Images:
        return [image for image in self._state.images.values() if state in (None, image.storage)]

    def _parents(self, image: Image) -> tuple[int, ...]:
        task = self._state.tasks.get(image.task_id)
        inputs = () if task is None else task.request.inputs
        ids = dict.fromkeys(one.image_id for one in inputs if one.image_id is not None)
        return tuple(image_id for image_id in ids if image_id in self._state.images)


def _fits(image: Image, criteria: ImageFilter) -> bool:
    return (
        criteria.provider_name in (None, image.provider_name)
        and criteria.model_id in (None, image.model_id)
        and criteria.operation in (None, image.operation)
        and (criteria.created_from is None or criteria.created_from <= image.created_at)
        and (criteria.created_to is None or image.created_at < criteria.created_to)
        and criteria.favourite in (None, image.marks.favourite)
        and (criteria.tag is None or fold_name(criteria.tag) in map(fold_name, image.marks.tags))
        and (criteria.collection is None or criteria.collection in image.marks.collections)
    )


def _age(image: Image) -> tuple[datetime, int]:
    return image.created_at, image.id


class MemoryMarks:
    """The marks of the images of a state."""

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
        counts = Counter(fold_name(tag) for one in self._state.images.values() for tag in one.marks.tags)
        ranked = sorted((-count, folded) for folded, count in counts.items() if folded.startswith(start))
        return tuple(TagUse(name=names[folded], count=-negative) for negative, folded in ranked[:limit])

    async def collections(self) -> tuple[Collection, ...]:
        return tuple(self._get(collection_id) for collection_id in reversed(self._state.collections))

    async def add_collection(self, name: str, created_at: datetime) -> Collection:
        self._check_name(name)
        if len(self._state.collections) >= MAX_COLLECTIONS:
            raise TooManyCollections
        added = Collection(id=self._state.new_id("collection"), name=name, created_at=created_at)
        self._state.collections[added.id] = added
        return added

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
        """Return the tags in use, as they were first written."""
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


class MemoryOutbox:
    """The uploads and removals of a state."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        waiting = {one.blob_key for one in self._state.outbox.values() if one.kind is OutboxKind.UPLOAD}
        local = (one for one in self._state.images.values() if one.storage is StorageState.LOCAL)
        missing = [image for image in local if image.blob_key not in waiting][:limit]
        for image in missing:
            self._state.add_to_outbox(OutboxKind.UPLOAD, image.blob_key, image.id)
        return len(missing)

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16, dry_run: bool = False
    ) -> tuple[OutboxEntry, ...]:
        later = (entry for number, entry in self._state.outbox.items() if number > after)
        entries = [*islice((entry for entry in later if due is None or _is_due(entry, due)), limit)]
        if not dry_run:
            entries = [attrs.evolve(entry, attempts=entry.attempts + 1) for entry in entries]
            self._state.outbox.update((entry.id, entry) for entry in entries)
        return tuple(entries)

    async def complete(self, entry: OutboxEntry) -> None:
        self._state.outbox.pop(entry.id, None)

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        if entry.id in self._state.outbox:
            self._state.outbox[entry.id] = attrs.evolve(entry, not_before=not_before, last_error=error)

    async def counts(self) -> OutboxCounts:
        entries = self._state.outbox.values()
        errors = [entry.last_error for entry in entries if entry.last_error is not None]
        uploads = sum(entry.kind is OutboxKind.UPLOAD for entry in entries)
        return OutboxCounts(
            uploads=uploads,
            removals=len(entries) - uploads,
            failing=len(errors),
            last_error=errors[-1] if errors else None,
            next_due=min((entry.not_before for entry in entries if entry.not_before), default=None),
        )


def _is_due(entry: OutboxEntry, due: datetime) -> bool:
    return entry.not_before is None or not due < entry.not_before <= due + MAX_DEFERRAL
