"""The asynchronous blob store over an OSS bucket, with a bounded number of threads."""

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from imagegen_adapters.blob_archives.batches import batches
from imagegen_adapters.blob_archives.oss.body import ObjectBody
from imagegen_adapters.blob_archives.oss.chunk_bridge import ChunkBridge
from imagegen_adapters.blob_archives.oss.connection import CheckAddress, Connections, make_bucket
from imagegen_adapters.blob_archives.oss.crc64 import Crc64
from imagegen_adapters.blob_archives.oss.objects import OssObjects
from imagegen_adapters.blob_archives.oss.owner_object import OssOwnerObject
from imagegen_adapters.blob_archives.oss.part_upload import MIN_MULTIPART_BYTES, PartUpload
from imagegen_adapters.blob_archives.oss.settings import OssSettings
from imagegen_adapters.blob_archives.prefix_claim import OWNER_MARK, InstallationId, PrefixClaim
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import StorageState
from imagegen_core.ports.blobs import BlobStore, StoredBlob, check_key, is_key
from imagegen_core.problems import StorageCode

T = TypeVar("T")

_MAX_URL_SECONDS = 604_800  # the limit for V4 URLs [help.aliyun.com, error 0002-00000232]


class OssBlobArchive:
    """Stores each blob as the object ``prefix + key``.

    Every upload is verified by CRC-64, and a corrupted object is removed. Uploads and all other requests
    have separate thread pools of ``settings.connections`` threads each, so that slow sources do not block
    readers.

    Args:
        settings: the bucket.
        check_address: resolves and checks the addresses to connect to (``AddressGate.resolve_and_check``).
        checkpoints: directory in which interrupted multipart uploads are remembered across restarts.
        owner: returns the id of the installation; the first request claims the prefix for it, and none works
            while the prefix belongs to another one.
    """

    new_checksum = Crc64
    """Makes the running checksum that OSS compares by."""

    def __init__(
        self,
        settings: OssSettings,
        *,
        check_address: CheckAddress | None = None,
        checkpoints: Path | None = None,
        owner: InstallationId | None = None,
    ) -> None:
        self._settings = settings
        self._connections = Connections()
        self._objects = OssObjects(
            lambda: make_bucket(settings, check_address, connections=self._connections), checkpoints
        )
        self._public_bucket = functools.cache(lambda: make_bucket(settings, None, public=True))
        self._upload_pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="oss-send")
        self._request_pool = ThreadPoolExecutor(settings.connections, thread_name_prefix="oss-ask")
        self.prefix = PrefixClaim(
            archive="OSS",
            place=f"{settings.bucket}/{settings.prefix}",
            object=OssOwnerObject(self._objects, f"{settings.prefix}{OWNER_MARK}", self._request_pool),
            installation_id=owner,
        )

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        name = self._name(key)
        await self.prefix.hold()
        sha256 = hashlib.sha256()
        bridge = ChunkBridge()
        sending = self._start(self._upload_pool, lambda: self._objects.put(name, bridge, content_type))
        sending.add_done_callback(lambda _: bridge.close())
        try:
            async for batch in batches(chunks):
                sha256.update(batch)
                if not await bridge.send(batch):
                    break
            bridge.finish()
            checksum = await sending
        except BaseException:  # cancelled too, the sending thread must not wait for more
            bridge.abort()
            sending.cancel()
            raise
        return StoredBlob(
            key=key,
            size_bytes=bridge.size,
            sha256=sha256.hexdigest(),
            archive_checksum=checksum,
            state=StorageState.ARCHIVE,
        )

    async def sync(self, key: str) -> None:
        self._name(key)  # an object is durable once OSS has confirmed it

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        name = self._name(key)
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise BlobMissing(key)
            return
        await self.prefix.hold()
        body = await self._open_body(key, name, start, end)
        if body is None:
            return
        try:
            while chunk := await self._request(partial(self._objects.next_chunk, name, body)):
                yield chunk
        finally:
            self._request_pool.submit(body.close)  # queued behind a read that a cancelled caller left running

    async def stat(self, key: str) -> StoredBlob | None:
        name = self._name(key)
        await self.prefix.hold()
        head = await self._request(lambda: self._objects.head(name))
        if head is None:
            return None
        return StoredBlob(
            key=key,
            size_bytes=head.size_bytes,
            archive_checksum=head.checksum,
            state=StorageState.ARCHIVE,
        )

    async def delete(self, key: str) -> None:
        name = self._name(key)
        await self.prefix.hold()
        await self._request(lambda: self._objects.delete(name))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        await self.prefix.hold()
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
        if size_bytes < MIN_MULTIPART_BYTES:
            blob = await self.put(key, source.open(key), content_type=content_type)
            if blob.size_bytes == size_bytes:
                return blob
            await self.delete(key)
            raise StorageError(
                StorageCode.BLOB_OF_OTHER_SIZE(key=key, size=blob.size_bytes, expected=size_bytes)
            )
        name = self._name(key)
        await self.prefix.hold()
        upload = PartUpload(objects=self._objects, uploads=self._upload_pool, requests=self._request_pool)
        return await upload.copy(source, key, name, size_bytes=size_bytes, content_type=content_type)

    async def matches(self, source: BlobStore, key: str) -> bool:
        name = self._name(key)
        archived = await self.stat(key)
        crc, size = Crc64(), 0
        async for batch in batches(source.open(key)):
            await self._request(partial(crc.update, batch))
            size += len(batch)
        is_equal = archived is not None and (archived.size_bytes, archived.archive_checksum) == (
            size,
            crc.text,
        )
        if is_equal:  # perhaps by an upload whose last response was lost: remove its checkpoint
            await self._request(lambda: self._objects.abort_multipart(name))
        return is_equal

    def signed_url(self, key: str, *, seconds: int) -> str:
        """Return a URL that grants read access to the blob for up to seven days; sends no request.

        It uses the public endpoint if there is one. The first call blocks for about 0.3 s.

        Raises:
            ValueError: ``seconds`` is not between 1 and 604,800; OSS would reject the URL.
        """
        if not 1 <= seconds <= _MAX_URL_SECONDS:
            raise ValueError(f"a signed URL lives 1 to {_MAX_URL_SECONDS} seconds")
        return str(self._public_bucket().sign_url("GET", self._name(key), seconds, slash_safe=True))

    async def probe(self) -> None:
        """List one name, to check that the bucket is reachable and accepts the access key.

        Raises:
            StorageError: it is not or does not; the message gives the reason.
        """
        await self._request(lambda: self._objects.names(f"{self._settings.prefix}~probe", ""))

    def close(self) -> None:
        """Shut down threads and connections, without waiting for an unresponsive OSS."""
        self._upload_pool.shutdown(wait=False, cancel_futures=True)
        self._connections.disconnect_all()
        self._upload_pool.shutdown(wait=True)
        self._request_pool.shutdown(wait=True)
        self._objects.close()

    def _name(self, key: str) -> str:
        return f"{self._settings.prefix}{check_key(key)}"

    def _start(self, pool: ThreadPoolExecutor, function: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(pool, function)

    async def _request(self, function: Callable[[], T]) -> T:
        return await self._start(self._request_pool, function)

    async def _open_body(self, key: str, name: str, start: int, end: int | None) -> ObjectBody | None:
        opening = self._start(self._request_pool, lambda: self._objects.get(name, start, end))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_body)
            raise
        except BlobMissing as error:
            raise BlobMissing(key) from error


def _close_body(opening: asyncio.Future[ObjectBody | None]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        body = opening.result()
        if body is not None:
            body.close()
