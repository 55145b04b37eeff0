"""The body of an object that is being read, in a thread."""

from collections.abc import Iterator
from typing import Any

from imagegen_core.errors import StorageUnreachable

_CHUNK_BYTES = 256 * 1024


class ObjectBody:
    """Yields the wanted part in pieces; reads no further than it is asked to.

    Args:
        result: oss2's ``GetObjectResult``.
        start: first wanted byte.
        end: byte behind the last wanted one, None for the end of the object.
    """

    def __init__(self, result: Any, start: int, end: int | None) -> None:
        self._response = result.resp.response
        self._length: int | None = result.content_length
        whole = result.content_range is None  # a server may ignore the range
        self._skip = start if whole else 0
        self._left = end - start if whole and end is not None else None
        self._pieces: Iterator[bytes] = iter(())
        if self._length != 0:  # oss2 has read an empty body already, and it cannot be read twice
            self._pieces = self._response.iter_content(_CHUNK_BYTES)

    def next(self) -> bytes:
        """Return the next piece, nothing at the end."""
        while self._left != 0:
            piece = next(self._pieces, b"")
            if not piece:
                self._check_end()
                return b""
            if self._length is not None:
                self._length -= len(piece)
            wanted = piece[self._skip :]
            self._skip -= len(piece) - len(wanted)
            if self._left is not None:
                wanted = wanted[: self._left]
                self._left -= len(wanted)
            if wanted:
                return wanted
        return b""

    def close(self) -> None:
        """Give the connection back, or cut it when there is more to come."""
        self._response.close()

    def _check_end(self) -> None:
        if self._length:
            raise StorageUnreachable("OSS: the answer ended too early")
