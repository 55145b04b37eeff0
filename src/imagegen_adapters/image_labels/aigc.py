"""The implicit label of GB 45438-2025: an XMP property that names the image's producer and its id."""

from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.image_labels.jpeg import label_jpeg
from imagegen_adapters.image_labels.packet import AigcLabel
from imagegen_adapters.image_labels.png import label_png
from imagegen_adapters.image_labels.webp import label_webp
from imagegen_core.images import MediaType

_WRITERS = {MediaType.PNG: label_png, MediaType.JPEG: label_jpeg, MediaType.WEBP: label_webp}


@attrs.frozen(kw_only=True)
class AigcImageLabel:
    """The `ImageLabel` of a content provider, named by its name or its unified social credit code."""

    producer: str

    def __call__(
        self, chunks: AsyncIterator[bytes], *, media_type: MediaType, produce_id: str
    ) -> AsyncIterator[bytes]:
        return _WRITERS[media_type](chunks, AigcLabel(producer=self.producer, produce_id=produce_id))
