"""The small tools of a machine room: time, and what is one function."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

import attrs

from imagegen_core.errors import ImagegenError
from imagegen_core.images import MediaType


class Clock(ABC):
    """Wall-clock time for display and scheduling, and a monotonic clock for deadlines."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the aware UTC time, truncated to milliseconds."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return seconds since some fixed point; setting the wall clock does not affect it."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""


class ImageRejected(ImagegenError):
    """The decoder's verdict that it is no PNG, JPEG or WebP that can be decoded within the limits."""


class InspectorUnavailable(ImagegenError):
    """The image was not inspected, because the decoder was killed or failed; the image itself may be fine."""


@attrs.frozen(kw_only=True)
class Inspection:
    """The result of a full decode; ``thumbnail`` is WebP, at most 512 pixels a side, without metadata."""

    mime_type: MediaType
    width: int
    height: int
    thumbnail: bytes


CheckAddress: TypeAlias = Callable[[str], Awaitable[None]]
"""Raises `UpstreamNotAllowed` if a URL is not http(s), or leads to an address that may not be called.

Private, loopback, link-local and metadata addresses may not, unless they are allow-listed. The host is
resolved and all of its addresses are checked; a name that does not resolve passes, since connecting checks it
again.
"""


Inspect: TypeAlias = Callable[[AsyncIterator[bytes]], Awaitable[Inspection]]
"""Decodes the bytes of an untrusted image: the first frame only, at most 40 megapixels and 50 MB.

Raises `ImageRejected` if it is not an image that is accepted, and `InspectorUnavailable` if it cannot be
inspected now.
"""


Label: TypeAlias = Callable[[AsyncIterator[bytes], MediaType, str], AsyncIterator[bytes]]
"""Yields a whole image file with a label that says it is AI-generated; changes only metadata, no pixel.

It is called with the file, the type that its first bytes show, and the id of this image in the label. A file
that already has such a label keeps it, and bytes that cannot be parsed pass unchanged. At most a few MiB are
in memory at a time. An exception of the chunks propagates.
"""

HasRoom: TypeAlias = Callable[[], bool]
"""Returns whether the configured minimum is free on the data disk, so that more paid calls may be sent.

Raises `StorageError` if the file system does not answer.
"""
