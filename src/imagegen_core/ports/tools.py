"""Time, and the ports that are one function."""

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
    """The decoder's verdict: no image of a `MediaType` that can be decoded within the limits."""


class InspectorUnavailable(ImagegenError):
    """The decoder was killed or failed; the image itself may be fine."""


@attrs.frozen(kw_only=True)
class Inspection:
    """The result of a full decode; an SVG, which is not drawn, has 0 by 0 pixels where it says no size."""

    mime_type: MediaType
    width: int
    height: int


CheckAddress: TypeAlias = Callable[[str], Awaitable[None]]
"""Raises `UpstreamNotAllowed` if a URL is not http(s), or leads to an address that may not be called.

Private, loopback, link-local and metadata addresses may not, unless allow-listed. All addresses of the host
are checked. A name that does not resolve passes, since connecting checks it again.
"""


Inspect: TypeAlias = Callable[[AsyncIterator[bytes]], Awaitable[Inspection]]
"""Decodes the bytes of an untrusted image: the first frame only, at most 40 megapixels and 50 MB.

An SVG is only read: whole XML without entities.

Raises `ImageRejected`, or `InspectorUnavailable` if it cannot be inspected now.
"""


Draw: TypeAlias = Callable[[AsyncIterator[bytes], int], Awaitable[bytes]]
"""Decodes like `Inspect`, and returns a WebP of at most so many pixels a side; none of an SVG.

It has no metadata. However many ask at once, running tasks are inspected meanwhile.
"""


Label: TypeAlias = Callable[[AsyncIterator[bytes], MediaType, str], AsyncIterator[bytes]]
"""Yields a whole image file with a label that says it is AI-generated; changes only metadata, no pixel.

Its arguments: the file, the type of its first bytes, and the image's id in the label. A file that has such a
label keeps it; bytes that cannot be parsed pass unchanged. At most a few MiB are in memory at a time. An
exception of the chunks propagates.
"""

HasRoom: TypeAlias = Callable[[], bool]
"""Returns whether the configured minimum is free on the data disk, so that more paid calls may be sent.

Raises `StorageError` if the file system does not answer.
"""
