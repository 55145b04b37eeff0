"""Bytes on their way to a bucket: in one request, or in parts if there are many."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from imagegen_adapters.blob_archives.batches import batches
from imagegen_adapters.blob_archives.s3.bucket import Bucket
from imagegen_adapters.blob_archives.s3.etag import PART_BYTES, S3Etag
from imagegen_core.errors import StorageError
from imagegen_core.problems import StorageCode


class SourceAbortedError(Exception):
    """Raised where obstore waits for the next part, so that it removes those that it has sent."""


class Upload:
    """Reads a source once; size and checksums are those of what was read.

    Args:
        chunks: the source.
        key: what messages call it.
        expected_bytes: its size; a source of another size is not kept.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], *, key: str = "", expected_bytes: int | None = None
    ) -> None:
        self._batches = batches(chunks)
        self._key = key
        self._expected_bytes = expected_bytes
        self._sha256, self._etag = hashlib.sha256(), S3Etag()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Return the SHA-256 in hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def etag(self) -> str:
        """Return the ETag that S3 should have for these bytes."""
        return self._etag.text

    async def send(self, bucket: Bucket, name: str, content_type: str) -> str | None:
        """Send all bytes and return the object's ETag.

        Nothing is kept if the source raises or has another size.
        """
        beginning = []
        async for batch in self._read():
            beginning.append(batch)
            if self.size_bytes > PART_BYTES:
                return await self._send_parts(bucket, name, content_type, b"".join(beginning))
        return await bucket.put(name, b"".join(beginning), content_type)

    async def read_through(self) -> None:
        """Read all bytes and send them nowhere."""
        async for _ in self._read():
            pass

    async def _send_parts(self, bucket: Bucket, name: str, content_type: str, beginning: bytes) -> str | None:
        queue: asyncio.Queue[bytes | SourceAbortedError] = asyncio.Queue(1)
        queue.put_nowait(beginning)
        sending = asyncio.ensure_future(bucket.put_parts(name, _queued(queue), content_type))
        try:
            async for batch in self._read():
                if not await _hand_over(queue, batch, sending):
                    break
            await _hand_over(queue, b"", sending)
            return await asyncio.shield(sending)
        except BaseException:  # cancelled too: a request that is dropped would leave its parts in the bucket
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(SourceAbortedError())
            sending.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait({sending})
            raise

    async def _read(self) -> AsyncIterator[bytes]:
        """Yield the bytes in batches, taking each into account first.

        Raises:
            StorageError: the source has another size.
        """
        async for batch in self._batches:
            await asyncio.to_thread(self._take, batch)
            if self._expected_bytes is not None and self.size_bytes > self._expected_bytes:
                raise StorageError(StorageCode.BLOB_LONGER(key=self._key, size=self._expected_bytes))
            yield batch
        if self._expected_bytes is not None and self.size_bytes < self._expected_bytes:
            raise StorageError(StorageCode.BLOB_SHORTER(key=self._key, size=self._expected_bytes))

    def _take(self, batch: bytes) -> None:
        self._sha256.update(batch)
        self._etag.update(batch)
        self.size_bytes += len(batch)


async def _queued(queue: "asyncio.Queue[bytes | SourceAbortedError]") -> AsyncIterator[bytes]:
    while item := await queue.get():
        if isinstance(item, SourceAbortedError):
            raise item
        yield item


async def _hand_over(
    queue: "asyncio.Queue[bytes | SourceAbortedError]", batch: bytes, sending: "asyncio.Future[str | None]"
) -> bool:
    """Queue the batch once there is room; return False if it is no longer wanted."""
    handing = asyncio.ensure_future(queue.put(batch))
    waiting: set[asyncio.Future[Any]] = {handing, sending}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        handing.cancel()
    return not sending.done()
