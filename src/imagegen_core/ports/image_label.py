"""A label embedded in an image file that declares it as AI-generated."""

from collections.abc import AsyncIterator
from typing import Protocol

from imagegen_core.images import MediaType


class ImageLabel(Protocol):
    """Changes only the file's metadata, no pixel."""

    def __call__(
        self, chunks: AsyncIterator[bytes], *, media_type: MediaType, produce_id: str
    ) -> AsyncIterator[bytes]:
        """Yield the same image with the label embedded.

        A file that already has such a label keeps it, and bytes that cannot be parsed pass unchanged. At
        most a few MiB are in memory at a time. An exception of ``chunks`` propagates.

        Args:
            chunks: the whole file.
            media_type: the type that its first bytes show.
            produce_id: the id of this image in the label.
        """
        ...
