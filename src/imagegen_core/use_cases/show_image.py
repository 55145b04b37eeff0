"""Show an image and what is beside it in a list."""

import attrs

from imagegen_core.images import Image
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.image_timeline import ImageList, ImageTimeline, Neighbours


@attrs.frozen(kw_only=True)
class ImageView:
    """An image's record, and its neighbours."""

    image: Image
    neighbours: Neighbours


@attrs.frozen(kw_only=True)
class ShowImage:
    """Reads the record, then the list."""

    records: ImageRecords
    timeline: ImageTimeline

    async def __call__(self, *, image_id: int, images: ImageList | None = None) -> ImageView:
        """Return the image, and its neighbours in ``images``, which are all when left out.

        Raises:
            ImageNotFound: there is no such image.
            Unavailable: the list took too long.
        """
        image = await self.records.get(image_id)
        return ImageView(
            image=image, neighbours=await self.timeline.neighbours(image_id, images or ImageList())
        )
