"""A label inside an image's file that says who had it made by a machine."""

from collections.abc import AsyncIterator
from typing import Protocol

from imagegen_core.images import MediaType


class ImageLabel(Protocol):
    """Changes the file and no pixel of it."""

    def __call__(
        self, chunks: AsyncIterator[bytes], *, media_type: MediaType, produce_id: str
    ) -> AsyncIterator[bytes]:
        """Yield the same image with the label in it.

        A file that carries such a label already keeps that one, and bytes that are not understood
        pass unchanged. At most a few MiB are in memory at a time. An exception of ``chunks`` goes on.

        Args:
            chunks: the whole file.
            media_type: what its first bytes say that it is.
            produce_id: names this image in the label.
        """
        ...
