"""Decodes in a thread of this process, for programs that embed the library, and for tests."""

import asyncio
import io
from collections.abc import AsyncIterator

from imagegen_adapters.image_inspectors.decoding import Decoded, Undecodable, decode, open_image
from imagegen_adapters.image_inspectors.messages import InspectionCode
from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.limits import MAX_IMAGE_PIXELS
from imagegen_core.ports.image_inspector import ImageRejected, Inspection, InspectorUnavailable


class ThreadInspector:
    """Accepts and rejects the same images as `SubprocessInspector`, without its limits on time and memory.

    Args:
        workers: the number of images decoded concurrently.
        max_bytes: the largest file, which is held in memory.
        max_pixels: the largest image.
    """

    def __init__(
        self, *, workers: int = 2, max_bytes: int = MAX_IMAGE_BYTES, max_pixels: int = MAX_IMAGE_PIXELS
    ) -> None:
        self._workers = asyncio.Semaphore(workers)
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        async with self._workers:
            file = io.BytesIO()
            async for chunk in chunks:
                if file.write(chunk) and file.tell() > self._max_bytes:
                    raise ImageRejected(InspectionCode.IMAGE_BYTES_EXCEEDED(maximum=self._max_bytes / 2**20))
            decoded = await asyncio.to_thread(self._decode, file)
        return Inspection(
            mime_type=MediaType[decoded.format],
            width=decoded.width,
            height=decoded.height,
            thumbnail=decoded.thumbnail,
        )

    async def aclose(self) -> None:
        """Do nothing: there are no processes to end."""

    def _decode(self, file: io.BytesIO) -> Decoded:
        try:
            with open_image(file, max_pixels=self._max_pixels) as image:
                return decode(image)
        except Undecodable as error:
            raise ImageRejected(InspectionCode[error.reason](**error.details)) from error
        except MemoryError as error:  # only the machine limits memory here
            raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error
