"""The body of an object that is being read; blocking, for use in a thread."""

from collections.abc import Iterator
from typing import Any

from imagegen_adapters.blob_archives.oss.messages import OssCode
from imagegen_core.errors import StorageUnreachable

_CHUNK_BYTES = 256 * 1024


class ObjectBody:
    """Returns the requested range in chunks, reading from the connection only on demand.

    Args:
        result: oss2's ``GetObjectResult``.
        start: the offset of the first byte.
        end: the offset after the last byte; None for the end of the object.
    """

    def __init__(self, result: Any, start: int, end: int | None) -> None:
        self._response = result.resp.response
        self._length: int | None = result.content_length
        is_whole = result.content_range is None  # a server may ignore the Range header
        self._skip = start if is_whole else 0
        self._remaining = end - start if is_whole and end is not None else None
        self._chunks: Iterator[bytes] = iter(())
        if self._length != 0:  # oss2 has consumed an empty body already; reading it again raises
            self._chunks = self._response.iter_content(_CHUNK_BYTES)

    def next(self) -> bytes:
        """Return the next chunk; empty at the end."""
        while self._remaining != 0:
            data = next(self._chunks, b"")
            if not data:
                self._check_end()
                return b""
            if self._length is not None:
                self._length -= len(data)
            chunk = data[self._skip :]
            self._skip -= len(data) - len(chunk)
            if self._remaining is not None:
                chunk = chunk[: self._remaining]
                self._remaining -= len(chunk)
            if chunk:
                return chunk
        return b""

    def close(self) -> None:
        """Return the connection to the pool, or drop it if the body has not been read to its end."""
        self._response.close()

    def _check_end(self) -> None:
        if self._length:
            raise StorageUnreachable(OssCode.RESPONSE_CUT_OFF())
