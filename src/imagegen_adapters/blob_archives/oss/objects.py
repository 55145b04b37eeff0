"""One request each, in a thread, with checksums compared; names are whole object names, prefix included."""

import base64
import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs

from imagegen_adapters.blob_archives.oss.body import ObjectBody
from imagegen_adapters.blob_archives.oss.checkpoints import UploadCheckpoints
from imagegen_adapters.blob_archives.oss.chunk_bridge import ChunkBridge
from imagegen_adapters.blob_archives.oss.errors import has_code, status_of, storage_errors
from imagegen_adapters.blob_stores.crc64 import Crc64
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError

_PAGE = 1000
_UNSATISFIABLE = 416


@attrs.frozen(kw_only=True)
class ObjectHead:
    """What a HEAD tells."""

    size_bytes: int
    crc64: int | None


class OssObjects:
    """Blocking access to the bucket; every method raises the port's errors.

    Args:
        connect: makes the ``oss2.Bucket``; called once, by the first request.
        checkpoints: directory for what is needed to go on with broken uploads.
    """

    def __init__(self, connect: Callable[[], Any], checkpoints: Path | None) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._made: Any = None
        self._checkpoints = UploadCheckpoints(checkpoints)

    @property
    def _bucket(self) -> Any:
        with self._connecting:
            if self._made is None:
                self._made = self._connect()
            return self._made

    def put(self, name: str, bridge: ChunkBridge, content_type: str) -> int:
        """Send what comes over the bridge, in chunks, and return its CRC-64 when OSS told the same."""
        with storage_errors(name):
            result = self._bucket.put_object(name, iter(bridge), headers={"Content-Type": content_type})
        crc = bridge.crc64()
        self._compare(name, crc, result.crc)
        return crc

    def get(self, name: str, start: int, end: int | None) -> ObjectBody | None:
        """Begin to read; None when ``start`` is behind the end."""
        ranged = start > 0 or end is not None
        last = None if end is None else end - 1
        with storage_errors(name):
            try:
                result = self._bucket.get_object(
                    name,
                    byte_range=(start, last) if ranged else None,
                    headers={"x-oss-range-behavior": "standard"} if ranged else None,
                )
            except Exception as error:
                if status_of(error) == _UNSATISFIABLE:
                    return None
                raise
        return ObjectBody(result, start, end)

    def next_piece(self, name: str, body: ObjectBody) -> bytes:
        """Return the next bytes of what is being read."""
        with storage_errors(name):
            return body.next()

    def head(self, name: str) -> ObjectHead | None:
        """Return size and checksum, or None when there is no such object."""
        try:
            with storage_errors(name):
                result = self._bucket.head_object(name)
        except BlobMissing:
            return None
        return ObjectHead(size_bytes=result.content_length or 0, crc64=result.server_crc)

    def delete(self, name: str) -> None:
        """Remove the object and what was uploaded of it."""
        with storage_errors(name):
            self._bucket.delete_object(name)
        self.abort_multipart(name)

    def names(self, prefix: str, token: str) -> tuple[list[str], str]:
        """Return up to 1000 names, and the token for the next ones, empty at the end."""
        with storage_errors(prefix):
            result = self._bucket.list_objects_v2(prefix=prefix, continuation_token=token, max_keys=_PAGE)
        return [found.key for found in result.object_list], (
            result.next_continuation_token if result.is_truncated else ""
        )

    def begin_multipart(self, name: str, size: int, content_type: str) -> tuple[str, dict[int, str]]:
        """Return the id of a new or broken upload, and the ETags of the parts that are there already."""
        begun = self._checkpoints.find(name, size)
        if begun:
            with contextlib.suppress(BlobMissing):
                return begun, self._parts(name, begun)
        other = self._checkpoints.any(name)
        if other:
            self._abort(name, other[0])
        with storage_errors(name):
            result = self._bucket.init_multipart_upload(name, headers={"Content-Type": content_type})
        self._checkpoints.keep(name, size, result.upload_id)
        return result.upload_id, {}

    def put_part(self, name: str, upload_id: str, number: int, data: bytes) -> str:
        """Send one part and return its ETag; OSS refuses it when its MD5 is not the one that we tell."""
        crc = Crc64()
        crc.update(data)
        headers = {
            "Content-MD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        }
        with storage_errors(name):
            result = self._bucket.upload_part(name, upload_id, number, data, headers=headers)
        if result.crc != crc.value:
            raise StorageError(f"OSS: part {number} arrived with another checksum")
        return str(result.etag)

    def complete(self, name: str, upload_id: str, etags: Iterable[tuple[int, str]], crc: int) -> None:
        """Make the object of its parts; it stays when OSS tells ``crc`` of it."""
        from oss2.models import PartInfo

        with storage_errors(name):
            result = self._bucket.complete_multipart_upload(
                name, upload_id, [PartInfo(number, etag) for number, etag in etags]
            )
        self._checkpoints.forget(name)
        self._compare(name, crc, result.crc)

    def abort_multipart(self, name: str) -> None:
        """Drop what was uploaded of the object, if anything was and is still remembered."""
        begun = self._checkpoints.any(name)
        if begun:
            self._abort(name, begun[0])

    def close(self) -> None:
        """Close pooled connections."""
        if self._made is not None:
            self._made.session.session.close()

    def _parts(self, name: str, upload_id: str) -> dict[int, str]:
        etags: dict[int, str] = {}
        marker, more = "", True
        while more:
            try:
                with storage_errors(name):
                    result = self._bucket.list_parts(name, upload_id, marker=marker, max_parts=_PAGE)
            except StorageError as error:
                if has_code(error.__cause__, "NoSuchUpload"):
                    raise BlobMissing(name) from error
                raise
            etags.update((part.part_number, part.etag.upper()) for part in result.parts)
            marker, more = result.next_marker, result.is_truncated
        return etags

    def _abort(self, name: str, upload_id: str) -> None:
        with contextlib.suppress(ImagegenError), storage_errors(name):
            self._bucket.abort_multipart_upload(name, upload_id)
        self._checkpoints.forget(name)

    def _compare(self, name: str, ours: int, told: int | None) -> None:
        if ours == told:
            return
        with contextlib.suppress(ImagegenError), storage_errors(name):
            self._bucket.delete_object(name)
        raise StorageError("OSS: the object arrived with another checksum and was removed")
