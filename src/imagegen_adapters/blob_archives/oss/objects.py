"""Blocking bucket operations with verified checksums; names are full object names, prefix included."""

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
from imagegen_adapters.blob_archives.oss.crc64 import Crc64
from imagegen_adapters.blob_archives.oss.errors import has_code, status_of, storage_errors
from imagegen_adapters.blob_archives.oss.messages import OssCode
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError

_PAGE = 1000
_UNSATISFIABLE = 416


@attrs.frozen(kw_only=True)
class ObjectHead:
    """The relevant headers of a HEAD response."""

    size_bytes: int
    checksum: str | None


class OssObjects:
    """Blocking access to the bucket; every method raises the port's errors.

    Args:
        connect: creates the ``oss2.Bucket``; called once, by the first request.
        checkpoints: directory for the checkpoints from which interrupted uploads are resumed.
    """

    def __init__(self, connect: Callable[[], Any], checkpoints: Path | None) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._cached_bucket: Any = None
        self._checkpoints = UploadCheckpoints(checkpoints)

    @property
    def _bucket(self) -> Any:
        with self._connecting:
            if self._cached_bucket is None:
                self._cached_bucket = self._connect()
            return self._cached_bucket

    def put(self, name: str, bridge: ChunkBridge, content_type: str) -> str:
        """Send the chunks of the bridge and return their checksum, which OSS has confirmed."""
        with storage_errors(name):
            result = self._bucket.put_object(name, iter(bridge), headers={"Content-Type": content_type})
        self._verify(name, bridge.crc64.value, result.crc)
        return bridge.crc64.text

    def create(self, name: str, data: bytes) -> None:
        """Send an object unless there is one; a bucket that keeps versions replaces what there is."""
        # https://help.aliyun.com/zh/oss/developer-reference/putobject: x-oss-forbid-overwrite, Content-MD5
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        headers = {"x-oss-forbid-overwrite": "true", "Content-MD5": base64.b64encode(digest).decode()}
        with storage_errors(name):
            try:
                self._bucket.put_object(name, data, headers=headers)
            except Exception as error:  # only its code counts; all others are raised again
                if not has_code(error, "FileAlreadyExists"):
                    raise

    def first_chunk(self, name: str) -> bytes | None:
        """Return the first bytes of the object, or None if it does not exist."""
        try:
            body = self.get(name, 0, None)
        except BlobMissing:
            return None
        if body is None:
            return b""
        try:
            return self.next_chunk(name, body)
        finally:
            body.close()

    def get(self, name: str, start: int, end: int | None) -> ObjectBody | None:
        """Start reading; None if ``start`` is beyond the end of the object."""
        is_range = start > 0 or end is not None
        last = None if end is None else end - 1
        with storage_errors(name):
            try:
                result = self._bucket.get_object(
                    name,
                    byte_range=(start, last) if is_range else None,
                    headers={"x-oss-range-behavior": "standard"} if is_range else None,
                )
            except Exception as error:  # only its status counts; all others are raised again
                if status_of(error) == _UNSATISFIABLE:
                    return None
                raise
        return ObjectBody(result, start, end)

    def next_chunk(self, name: str, body: ObjectBody) -> bytes:
        """Return the next chunk of the body; empty at the end."""
        with storage_errors(name):
            return body.next()

    def head(self, name: str) -> ObjectHead | None:
        """Return size and checksum, or None if the object does not exist."""
        try:
            with storage_errors(name):
                result = self._bucket.head_object(name)
        except BlobMissing:
            return None
        crc = result.server_crc
        return ObjectHead(size_bytes=result.content_length or 0, checksum=None if crc is None else str(crc))

    def delete(self, name: str) -> None:
        """Remove the object and abort an unfinished upload of it."""
        with storage_errors(name):
            self._bucket.delete_object(name)
        self.abort_multipart(name)

    def names(self, prefix: str, token: str) -> tuple[list[str], str]:
        """Return up to 1,000 names, and the continuation token, which is empty on the last page."""
        with storage_errors(prefix):
            result = self._bucket.list_objects_v2(prefix=prefix, continuation_token=token, max_keys=_PAGE)
        return [entry.key for entry in result.object_list], (
            result.next_continuation_token if result.is_truncated else ""
        )

    def begin_multipart(self, name: str, size: int, content_type: str) -> tuple[str, dict[int, str]]:
        """Resume an interrupted upload or start one; return its id and the ETags of the uploaded parts."""
        unfinished = self._checkpoints.find(name, size)
        if unfinished:
            with contextlib.suppress(BlobMissing):  # OSS no longer has the upload
                return unfinished, self._parts(name, unfinished)
        outdated = self._checkpoints.get(name)
        if outdated:
            self._abort(name, outdated[0])
        with storage_errors(name):
            result = self._bucket.init_multipart_upload(name, headers={"Content-Type": content_type})
        self._checkpoints.save(name, size, result.upload_id)
        return result.upload_id, {}

    def put_part(self, name: str, upload_id: str, number: int, data: bytes) -> str:
        """Send one part and return its ETag; OSS rejects it if it does not match the Content-MD5 header."""
        crc = Crc64()
        crc.update(data)
        headers = {
            "Content-MD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        }
        with storage_errors(name):
            result = self._bucket.upload_part(name, upload_id, number, data, headers=headers)
        if result.crc != crc.value:
            raise StorageError(OssCode.PART_DIFFERS(number=number))
        return str(result.etag)

    def complete(self, name: str, upload_id: str, etags: Iterable[tuple[int, str]], crc: int) -> None:
        """Complete the object from its parts; it is removed again unless OSS reports ``crc`` for it."""
        from oss2.models import PartInfo

        with storage_errors(name):
            result = self._bucket.complete_multipart_upload(
                name, upload_id, [PartInfo(number, etag) for number, etag in etags]
            )
        self._checkpoints.remove(name)
        self._verify(name, crc, result.crc)

    def abort_multipart(self, name: str) -> None:
        """Abort an unfinished upload of the object, if there is a checkpoint of one."""
        unfinished = self._checkpoints.get(name)
        if unfinished:
            self._abort(name, unfinished[0])

    def close(self) -> None:
        """Close the pooled connections."""
        if self._cached_bucket is not None:
            self._cached_bucket.session.session.close()

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
        self._checkpoints.remove(name)

    def _verify(self, name: str, expected: int, actual: int | None) -> None:
        if expected == actual:
            return
        with contextlib.suppress(ImagegenError), storage_errors(name):
            self._bucket.delete_object(name)
        raise StorageError(OssCode.OBJECT_DIFFERS())
