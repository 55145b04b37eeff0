"""An exchange in memory, for tests of providers."""

import io
from collections.abc import AsyncIterator, Mapping
from typing import BinaryIO

from imagegen_core.errors import BlobMissing, CallError, FailureCode
from imagegen_core.requests import InputImage

_PIECE = 7


class MemoryExchange:
    """Implements the `Exchange` port without a disk.

    Args:
        inputs: bytes of the caller's images, by `InputImage.key`.

    Attributes:
        spooled: what the provider spooled, by name.
        progress_reports: the fractions that it reported, oldest first.
        partial_images: the partial images that it showed, with their numbers, oldest first.
        response_started: whether it noted that an answer has begun to arrive.
    """

    def __init__(self, inputs: Mapping[str, bytes] | None = None) -> None:
        self.inputs = dict(inputs or {})
        self.spooled: dict[str, bytes] = {}
        self.progress_reports: list[float] = []
        self.partial_images: list[tuple[int, bytes]] = []
        self.response_started = False

    def mark_response_started(self) -> None:
        """Record it."""
        self.response_started = True

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Store the bytes under ``name``; nothing is stored if there are too many or ``chunks`` raises."""
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                raise CallError(FailureCode.BAD_RESPONSE, f"the answer is longer than {max_bytes} bytes")
        self.spooled[name] = bytes(data)
        return len(data)

    def open_spooled(self, name: str) -> BinaryIO:
        """Return the spooled file."""
        if name not in self.spooled:
            raise BlobMissing(name)
        return io.BytesIO(self.spooled[name])

    async def read_input(self, image: InputImage) -> bytes:
        """Return the bytes of an input."""
        return self.inputs[image.key]

    async def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        """Yield the bytes of an input in chunks of seven."""
        if image.key not in self.inputs:
            raise BlobMissing(image.key)
        data = self.inputs[image.key]
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]

    async def progress(self, fraction: float) -> None:
        """Record the fraction."""
        self.progress_reports.append(fraction)

    def partial_image(self, index: int, content: bytes) -> None:
        """Record the partial image."""
        self.partial_images.append((index, content))
