"""The blob store over a bucket: asynchronous outside, a bounded number of threads inside."""

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.blob_archives.oss.body import ObjectBody
from imagegen_adapters.blob_archives.oss.chunk_bridge import ChunkBridge
from imagegen_adapters.blob_archives.oss.connection import CheckAddress, Connections, make_bucket
from imagegen_adapters.blob_archives.oss.objects import OssObjects
from imagegen_adapters.blob_archives.oss.settings import OssSettings
from imagegen_adapters.blob_stores.crc64 import Crc64
from imagegen_adapters.blob_stores.keys import check_key, is_key
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import StorageState
from imagegen_core.ports.blob_store import BlobStore, StoredBlob

T = TypeVar("T")

_BATCH_BYTES = 256 * 1024
_PART_BYTES = 8 * 1024 * 1024
_MIN_MULTIPART_BYTES = 16 * 1024 * 1024
_MAX_URL_SECONDS = 604_800  # of a V4 URL, in seconds [help.aliyun.com, error 0002-00000232]


class OssBlobArchive:
    """Keeps each blob as the object ``prefix + key``.

    Every put is compared by CRC-64; an object that arrived otherwise is removed again. Sending and
    asking have threads of their own, ``settings.connections`` each, so slow sources hold up no reader.

    Args:
        settings: the bucket.
        check_address: resolves and judges what is connected to (``AddressGate.resolve_and_check``).
        checkpoints: a directory in which broken part-wise uploads are remembered over a restart.
    """

    def __init__(
        self,
        settings: OssSettings,
        *,
        check_address: CheckAddress | None = None,
        checkpoints: Path | None = None,
    ) -> None:
        self._settings = settings
        self._connections = Connections()
        self._objects = OssObjects(
            lambda: make_bucket(settings, check_address, connections=self._connections), checkpoints
        )
        self._public_bucket = functools.cache(lambda: make_bucket(settings, None, public=True))
        self._upload_pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="oss-send")
        self._request_pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="oss-ask")

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        name = self._name(key)
        sha256 = hashlib.sha256()
        bridge = ChunkBridge()
        sending = self._start(self._upload_pool, lambda: self._objects.put(name, bridge, content_type))
        sending.add_done_callback(lambda _: bridge.close())
        try:
            async for batch in _batches(chunks):
                sha256.update(batch)
                if not await bridge.send(batch):
                    break
            bridge.finish()
            crc64 = await sending
        except BaseException:
            bridge.abort()
            sending.cancel()
            raise
        return StoredBlob(
            key=key,
            size_bytes=bridge.size,
            sha256=sha256.hexdigest(),
            crc64=crc64,
            state=StorageState.OSS,
        )

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        name = self._name(key)
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise BlobMissing(key)
            return
        body = await self._open_body(key, name, start, end)
        if body is None:
            return
        try:
            while piece := await self._request(partial(self._objects.next_piece, name, body)):
                yield piece
        finally:
            self._request_pool.submit(body.close)  # behind a read that a cancelled caller left running

    async def stat(self, key: str) -> StoredBlob | None:
        name = self._name(key)
        found = await self._request(lambda: self._objects.head(name))
        if found is None:
            return None
        return StoredBlob(key=key, size_bytes=found.size_bytes, crc64=found.crc64, state=StorageState.OSS)

    async def delete(self, key: str) -> None:
        name = self._name(key)
        await self._request(lambda: self._objects.delete(name))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        token, more = "", True
        while more:
            names, token = await self._request(
                partial(self._objects.names, f"{self._settings.prefix}{prefix}", token)
            )
            for name in names:
                key = name.removeprefix(self._settings.prefix)
                if is_key(key):
                    yield key
            more = bool(token)

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        if size_bytes < _MIN_MULTIPART_BYTES:
            blob = await self.put(key, source.open(key), content_type=content_type)
            if blob.size_bytes == size_bytes:
                return blob
            await self.delete(key)
            raise StorageError(f"blob {key!r} has {blob.size_bytes} bytes, not {size_bytes}")
        return await self._copy_parts(source, key, size_bytes, content_type)

    async def matches(self, source: BlobStore, key: str) -> bool:
        name = self._name(key)
        held = await self.stat(key)
        crc, size = Crc64(), 0
        async for batch in _batches(source.open(key)):
            await self._request(partial(crc.update, batch))
            size += len(batch)
        whole = held is not None and (held.size_bytes, held.crc64) == (size, crc.value)
        if whole:  # it may be here by an upload whose last answer was lost
            await self._request(lambda: self._objects.abort_multipart(name))
        return whole

    def signed_url(self, key: str, *, seconds: int) -> str:
        """Return a URL that gives the blob to whoever has it, for up to seven days; asks nobody.

        It is made for the public endpoint if there is one. The first call blocks for some 0.3 s.

        Raises:
            ValueError: ``seconds`` is not 1 to 604,800; OSS would refuse the URL.
        """
        if not 1 <= seconds <= _MAX_URL_SECONDS:
            raise ValueError(f"a signed URL lives 1 to {_MAX_URL_SECONDS} seconds")
        return str(self._public_bucket().sign_url("GET", self._name(key), seconds, slash_safe=True))

    async def probe(self) -> None:
        """Ask for one name, to see that the bucket answers and takes our key.

        Raises:
            StorageError: it does not; the message says why.
        """
        await self._request(lambda: self._objects.names(f"{self._settings.prefix}~probe", ""))

    def close(self) -> None:
        """Let threads and connections go, without waiting for an OSS that says nothing."""
        self._upload_pool.shutdown(wait=False, cancel_futures=True)
        self._connections.disconnect_all()
        self._upload_pool.shutdown(wait=True)
        self._request_pool.shutdown(wait=True)
        self._objects.close()

    def _name(self, key: str) -> str:
        return f"{self._settings.prefix}{check_key(key)}"

    def _start(self, pool: ThreadPoolExecutor, act: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(pool, act)

    async def _request(self, act: Callable[[], T]) -> T:
        return await self._start(self._request_pool, act)

    async def _open_body(self, key: str, name: str, start: int, end: int | None) -> ObjectBody | None:
        opening = self._start(self._request_pool, lambda: self._objects.get(name, start, end))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_body)
            raise
        except BlobMissing as error:
            raise BlobMissing(key) from error

    async def _copy_parts(self, source: BlobStore, key: str, size: int, content_type: str) -> StoredBlob:
        """Send one part after the other, except those that are there already."""
        name = self._name(key)
        whole, sha256 = Crc64(), hashlib.sha256()
        upload_id, there = await self._request(
            lambda: self._objects.begin_multipart(name, size, content_type)
        )
        etags: list[tuple[int, str]] = []
        for number, start in enumerate(range(0, size, _PART_BYTES), start=1):
            stop = min(start + _PART_BYTES, size)
            data = b"".join([chunk async for chunk in source.open(key, start=start, end=stop)])
            if len(data) != stop - start:
                raise StorageError(f"blob {key!r} is shorter than {size} bytes")
            etag = await self._start(
                self._upload_pool, partial(self._send_part, name, upload_id, number, data, there.get(number))
            )
            await self._request(partial(whole.update, data))
            await self._request(partial(sha256.update, data))
            etags.append((number, etag))
        async for _ in source.open(key, start=size, end=size + 1):
            raise StorageError(f"blob {key!r} is longer than {size} bytes")
        crc64 = whole.value
        await self._start(self._upload_pool, lambda: self._objects.complete(name, upload_id, etags, crc64))
        return StoredBlob(
            key=key,
            size_bytes=size,
            sha256=sha256.hexdigest(),
            crc64=crc64,
            state=StorageState.OSS,
        )

    def _send_part(self, name: str, upload_id: str, number: int, data: bytes, there: str | None) -> str:
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
        return etag if there == etag else self._objects.put_part(name, upload_id, number, data)


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield larger pieces, since each costs a hop to a thread."""
    batch: list[bytes] = []
    held = 0
    async for chunk in chunks:
        batch.append(chunk)
        held += len(chunk)
        if held >= _BATCH_BYTES:
            yield b"".join(batch)
            batch, held = [], 0
    if held:
        yield b"".join(batch)


def _close_body(opening: asyncio.Future[ObjectBody | None]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        body = opening.result()
        if body is not None:
            body.close()
