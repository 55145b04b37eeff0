"""Carries chunks from a coroutine to a thread that sends them, a few at a time."""

import asyncio
import queue
from collections.abc import Iterator

from imagegen_adapters.blob_stores.crc64 import Crc64

_MAX_QUEUED_BATCHES = 2  # batches waiting for the thread
_LOOP_CHECK_SECONDS = 5.0  # seconds between two looks whether the loop still runs


class SourceAbortedError(Exception):
    """Raised in the sending thread, so that it breaks the request off and nothing is stored."""


class ChunkBridge:
    """The coroutine awaits `send`, then calls `finish` or `abort`; the thread iterates.

    Size and CRC-64 of what the thread took are known when it has ended.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._space = asyncio.Semaphore(_MAX_QUEUED_BATCHES)
        self._queue: queue.SimpleQueue[bytes | SourceAbortedError | None] = queue.SimpleQueue()
        self._closed = False
        self._crc = Crc64()
        self.size = 0

    async def send(self, data: bytes) -> bool:
        """Hand bytes over when there is room; return False when nobody takes them any more."""
        await self._space.acquire()
        if not self._closed:
            self._queue.put(data)
        return not self._closed

    def finish(self) -> None:
        """Say that this was all."""
        self._queue.put(None)

    def abort(self) -> None:
        """Make the thread stop without an end."""
        self._queue.put(SourceAbortedError())

    def close(self) -> None:
        """Tell the coroutine, in its own thread, that nobody takes chunks any more."""
        self._closed = True
        self._space.release()

    def crc64(self) -> int:
        """Return the checksum of all that was taken; once."""
        return self._crc.value

    def __iter__(self) -> Iterator[bytes]:
        while (data := self._next()) is not None:
            if isinstance(data, SourceAbortedError):
                raise data
            self._crc.update(data)
            self.size += len(data)
            yield data
            self._loop.call_soon_threadsafe(self._space.release)

    def _next(self) -> bytes | SourceAbortedError | None:
        while True:
            try:
                return self._queue.get(timeout=_LOOP_CHECK_SECONDS)
            except queue.Empty:
                if (
                    not self._loop.is_running()
                ):  # a loop that was killed says nothing more; let the thread end
                    return SourceAbortedError()
