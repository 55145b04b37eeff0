"""Large blobs on their way to OSS: in parts, of which those that arrived are not sent again."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import attrs

from imagegen_adapters.blob_archives.oss.crc64 import Crc64
from imagegen_adapters.blob_archives.oss.objects import OssObjects
from imagegen_core.errors import StorageError
from imagegen_core.images import StorageState
from imagegen_core.ports.blobs import BlobStore, StoredBlob
from imagegen_core.problems import StorageCode

T = TypeVar("T")

MIN_MULTIPART_BYTES = 16 * 1024 * 1024
_PART_BYTES = 8 * 1024 * 1024


@attrs.frozen(kw_only=True)
class PartUpload:
    """Copies a blob to an object part by part, one after another.

    Attributes:
        uploads: the threads that send.
        requests: those of everything else.
    """

    objects: OssObjects
    uploads: Executor
    requests: Executor

    async def copy(
        self, source: BlobStore, key: str, name: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        """Copy a blob and return it as archived, once OSS has confirmed the checksum of the whole.

        Raises:
            StorageError: the blob has another size, or OSS does not do what is asked.
        """
        whole, sha256 = Crc64(), hashlib.sha256()
        upload_id, uploaded = await _run(
            self.requests, lambda: self.objects.begin_multipart(name, size_bytes, content_type)
        )
        etags: list[tuple[int, str]] = []
        for number, start in enumerate(range(0, size_bytes, _PART_BYTES), start=1):
            data = await _part(source, key, start, size_bytes)
            sending = partial(self._send_part, name, upload_id, number, data, uploaded.get(number))
            etag = await _run(self.uploads, sending)
            await _run(self.requests, partial(whole.update, data))
            await _run(self.requests, partial(sha256.update, data))
            etags.append((number, etag))
        async for _ in source.open(key, start=size_bytes, end=size_bytes + 1):
            raise StorageError(StorageCode.BLOB_LONGER(key=key, size=size_bytes))
        await _run(self.uploads, lambda: self.objects.complete(name, upload_id, etags, whole.value))
        return StoredBlob(
            key=key,
            size_bytes=size_bytes,
            sha256=sha256.hexdigest(),
            archive_checksum=whole.text,
            state=StorageState.ARCHIVE,
        )

    def _send_part(
        self, name: str, upload_id: str, number: int, data: bytes, uploaded_etag: str | None
    ) -> str:
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
        return etag if uploaded_etag == etag else self.objects.put_part(name, upload_id, number, data)


async def _part(source: BlobStore, key: str, start: int, size_bytes: int) -> bytes:
    stop = min(start + _PART_BYTES, size_bytes)
    data = b"".join([chunk async for chunk in source.open(key, start=start, end=stop)])
    if len(data) != stop - start:
        raise StorageError(StorageCode.BLOB_SHORTER(key=key, size=size_bytes))
    return data


async def _run(threads: Executor, function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, function)
