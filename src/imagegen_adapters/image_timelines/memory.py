"""Where images are in time, by walking through their lists."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import count

import attrs

from imagegen_core.images import Image
from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.ports.image_records import ImageRecords, SearchMode
from imagegen_core.ports.image_timeline import ImageList, Neighbours
from imagegen_core.search import Paging
from imagegen_core.values import quarter_of


class MemoryImageTimeline:
    """Reads the pages of ``records`` one after the other: what every other adapter must come to as well."""

    def __init__(self, records: ImageRecords) -> None:
        self._records = records

    async def span(self) -> tuple[int, int] | None:
        quarters = [quarter_of(image.created_at) for image in await self._shown(ImageList())]
        return (min(quarters), max(quarters)) if quarters else None

    async def by_interval(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        shown = await self._shown(attrs.evolve(images, mode=SearchMode.CONTAINS))
        counts = Counter(bisect_right(bounds, quarter_of(image.created_at)) for image in shown)
        return tuple(counts[number] for number in range(1, len(bounds)))

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        ids = [image.id for image in await self._shown(images)]
        if image_id not in ids:
            return Neighbours()
        place = ids.index(image_id)
        return Neighbours(
            previous=ids[place - 1] if place else None, next=ids[place + 1] if ids[place + 1 :] else None
        )

    async def _shown(self, images: ImageList) -> list[Image]:
        """Return all images of the list, in its order."""
        shown: list[Image] = []
        for number in count(1):
            paging = Paging(page=number, page_size=MAX_PAGE_SIZE)
            if images.query is None:
                page = await self._records.find(images.criteria, paging)
            else:
                hits = await self._records.search(images.query, images.mode, images.criteria, paging)
                page = hits.with_items(hit.image for hit in hits.items)
            shown += page.items
            if not page.has_more:
                break
        return shown
