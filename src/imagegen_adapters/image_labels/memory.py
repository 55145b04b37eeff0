"""A label that needs no file format: one line behind the image's last byte, which decoders ignore."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote_to_bytes

from imagegen_core.images import SIGNATURE_BYTES, MediaType

_LABEL = re.compile(rb"\nmade by a machine: ([^\n]*)\n\Z")
_MAX_LABEL_BYTES = 4096


class MemoryImageLabel:
    """For tests, and for a program whose own readers are the only ones: `produce_id_in` finds it again."""

    async def __call__(
        self, chunks: AsyncIterator[bytes], *, media_type: MediaType, produce_id: str
    ) -> AsyncIterator[bytes]:
        head = tail = b""
        async for chunk in chunks:
            head += chunk[: SIGNATURE_BYTES - len(head)]
            data = tail + chunk
            yield data[:-_MAX_LABEL_BYTES]
            tail = data[-_MAX_LABEL_BYTES:]
        yield tail
        if MediaType.sniff(head) is media_type and produce_id_in(tail) is None:
            yield f"\nmade by a machine: {quote(produce_id, safe='')}\n".encode()


def produce_id_in(content: bytes) -> str | None:
    """Return the id in the label of a file, given its end or all of it; None without such a label."""
    label = _LABEL.search(content[-_MAX_LABEL_BYTES:])
    return None if label is None else unquote_to_bytes(label[1]).decode()
