"""The asynchronous blob archive over a bucket of S3."""

import asyncio
from collections.abc import AsyncIterator

from imagegen_adapters.blob_archives.prefix_claim import OWNER_MARK, InstallationId, PrefixClaim
from imagegen_adapters.blob_archives.s3.bucket import Bucket
from imagegen_adapters.blob_archives.s3.connection import check_installed
from imagegen_adapters.blob_archives.s3.etag import S3Etag
from imagegen_adapters.blob_archives.s3.gateway import CheckAddress
from imagegen_adapters.blob_archives.s3.messages import S3Code
from imagegen_adapters.blob_archives.s3.settings import S3Settings
from imagegen_adapters.blob_archives.s3.upload import Upload
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import StorageState
from imagegen_core.ports.blobs import BlobStore, StoredBlob, check_key, is_key

_MAX_UPLOADS = 8  # at once; each has up to two parts in memory


class S3BlobArchive:
    """Stores each blob as the object ``prefix + key``.

    An upload counts once S3 returns the ETag that we have computed of the bytes. A server whose ETags are
    computed otherwise has to give the object back, and those bytes are compared.

    Args:
        settings: the bucket.
        check_address: resolves and checks the addresses to connect to (``AddressGate.resolve_and_check``).
        owner: returns the id of the installation; the first request claims the prefix for it, and none works
            while the prefix belongs to another one.

    Raises:
        ValidationFailed: obstore is not installed.
    """

    new_checksum = S3Etag
    """Makes the running checksum that S3 compares by."""

    def __init__(
        self,
        settings: S3Settings,
        *,
        check_address: CheckAddress | None = None,
        owner: InstallationId | None = None,
    ) -> None:
        check_installed()
        self._bucket = Bucket(settings, check_address)
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)
        self.prefix = PrefixClaim(
            archive="S3",
            place=f"{settings.bucket}/{settings.prefix}",
            object=_OwnerObject(self._bucket),
            installation_id=owner,
        )

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        return await self._send(check_key(key), Upload(chunks), content_type)

    async def sync(self, key: str) -> None:
        check_key(key)  # an object is durable once S3 has confirmed it

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise BlobMissing(key)
            return
        await self.prefix.hold()
        async for chunk in self._bucket.get(key, start=start, end=end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        check_key(key)
        await self.prefix.hold()
        try:
            head = await self._bucket.head(key)
        except BlobMissing:
            return None
        return StoredBlob(
            key=key, size_bytes=head.size_bytes, archive_checksum=head.etag, state=StorageState.ARCHIVE
        )

    async def delete(self, key: str) -> None:
        check_key(key)
        await self.prefix.hold()
        await self._bucket.delete(key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        await self.prefix.hold()
        async for name in self._bucket.names(prefix.rpartition("/")[0]):
            if is_key(name) and name.startswith(prefix):
                yield name

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        check_key(key)
        return await self._send(
            key, Upload(source.open(key), key=key, expected_bytes=size_bytes), content_type
        )

    async def matches(self, source: BlobStore, key: str) -> bool:
        archived = await self.stat(key)
        local = Upload(source.open(key))
        await local.read_through()
        if archived is None or archived.size_bytes != local.size_bytes:
            return False
        return archived.archive_checksum == local.etag or await self._holds(key, local.sha256)

    def close(self) -> None:
        """Cut every connection, without waiting for an unresponsive server."""
        self._bucket.close()

    async def _send(self, key: str, upload: Upload, content_type: str) -> StoredBlob:
        """Upload, and return the blob once its bytes are proved to be there."""
        await self.prefix.hold()
        async with self._uploads:
            etag = await upload.send(self._bucket, key, content_type)
        if etag != upload.etag and not await self._holds(key, upload.sha256):
            await self.delete(key)
            raise StorageError(S3Code.S3_OBJECT_DIFFERS())
        return StoredBlob(
            key=key,
            size_bytes=upload.size_bytes,
            sha256=upload.sha256,
            archive_checksum=etag,
            state=StorageState.ARCHIVE,
        )

    async def _holds(self, key: str, sha256: str) -> bool:
        """Read the object back and return whether it has these bytes."""
        archived = Upload(self.open(key))
        try:
            await archived.read_through()
        except BlobMissing:
            return False
        return archived.sha256 == sha256


class _OwnerObject:
    """The object that names the owner of the prefix."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def read(self) -> bytes | None:
        try:
            async for chunk in self._bucket.get(OWNER_MARK):
                return chunk
        except BlobMissing:
            return None
        return b""

    async def create(self, data: bytes) -> None:
        await self._bucket.create(OWNER_MARK, data)
