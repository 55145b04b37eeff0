"""Passes chunks from a coroutine to the thread that sends them, with bounded buffering."""

import asyncio
import queue
from collections.abc import Iterator

from imagegen_adapters.blob_archives.oss.crc64 import Crc64

_MAX_QUEUED_BATCHES = 2  # waiting for the sending thread
_LOOP_CHECK_SECONDS = 5.0  # interval at which a waiting thread checks that the event loop still runs


class SourceAbortedError(Exception):
    """Raised in the sending thread to abort the request, so that nothing is stored."""


class ChunkBridge:
    """The coroutine awaits `send`, then calls `finish` or `abort`; the thread iterates over the bridge.

    ``size`` and ``crc64`` describe what the thread has consumed, once the iteration has ended.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._space = asyncio.Semaphore(_MAX_QUEUED_BATCHES)
        self._queue: queue.SimpleQueue[bytes | SourceAbortedError | None] = queue.SimpleQueue()
        self._closed = False
        self.crc64 = Crc64()
        self.size = 0

    async def send(self, data: bytes) -> bool:
        """Queue bytes once there is room; return False if the thread no longer consumes them."""
        await self._space.acquire()
        if not self._closed:
            self._queue.put(data)
        return not self._closed

    def finish(self) -> None:
        """Mark the end of the data."""
        self._queue.put(None)

    def abort(self) -> None:
        """Make the thread's iteration raise instead of ending."""
        self._queue.put(SourceAbortedError())

    def close(self) -> None:
        """Unblock the coroutine because the thread stopped consuming; called in the event loop's thread."""
        self._closed = True
        self._space.release()

    def __iter__(self) -> Iterator[bytes]:
        while (data := self._next()) is not None:
            if isinstance(data, SourceAbortedError):
                raise data
            self.crc64.update(data)
            self.size += len(data)
            yield data
            self._loop.call_soon_threadsafe(self._space.release)

    def _next(self) -> bytes | SourceAbortedError | None:
        while True:
            try:
                return self._queue.get(timeout=_LOOP_CHECK_SECONDS)
            except queue.Empty:
                if not self._loop.is_running():  # nothing more will arrive: let the thread end
                    return SourceAbortedError()
