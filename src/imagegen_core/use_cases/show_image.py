"""Show an image, what it was made from and what from it, and what is beside it in a list."""

import asyncio

import attrs

from imagegen_core.images import Image
from imagegen_core.limits import MAX_CHILDREN
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.image_timeline import ImageList, ImageTimeline, Neighbours
from imagegen_core.ports.lineage import Lineage


@attrs.frozen(kw_only=True)
class ImageView:
    """An image's record, its neighbours, and its relatives.

    ``parents`` are in the order of the inputs; ``children`` are the newest `MAX_CHILDREN`, newest first.
    """

    image: Image
    neighbours: Neighbours
    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class ShowImage:
    """Reads the record, then the list and the lineage."""

    records: ImageRecords
    timeline: ImageTimeline
    lineage: Lineage

    async def __call__(self, *, image_id: int, images: ImageList | None = None) -> ImageView:
        """Return the image, and its neighbours in ``images``, which are all when left out.

        Raises:
            ImageNotFound: there is no such image.
            Unavailable: the list took too long.
        """
        image = await self.records.get(image_id)
        neighbours, parents, children = await asyncio.gather(
            self.timeline.neighbours(image_id, images or ImageList()),
            self.lineage.parents(image_id),
            self.lineage.children(image_id, limit=MAX_CHILDREN),
        )
        return ImageView(image=image, neighbours=neighbours, parents=parents, children=children)
