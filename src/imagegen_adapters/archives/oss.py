"""Blobs in a bucket of Aliyun's OSS; the oss2 library, which the first request imports, signs them."""

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import ssl
import threading
import warnings
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs
import httpcore2
import httpx
from fastcrc import crc64

from imagegen_adapters.archives.bucket import (
    PART_BYTES,
    Answer,
    BucketArchive,
    BucketSettings,
    Source,
    complete_body,
    object_headers,
)
from imagegen_adapters.archives.prefix import InstallationId
from imagegen_adapters.files.local import write_durably
from imagegen_adapters.outbound.addresses import AddressGate, NameLookups
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.messages import MessageCode
from imagegen_core.ports.blobs import BlobStore

MIN_MULTIPART_BYTES = 2 * PART_BYTES
_MAX_MESSAGE_CHARS = 300

_importing = threading.Lock()


class BucketCode(MessageCode, words="imagegen_adapters"):
    """Rules of the settings below storage.oss."""


class OssCode(MessageCode, words="imagegen_adapters"):
    """Why OSS could not keep or give bytes."""


def _oss_region(text: str) -> str:
    return text.strip().removeprefix("oss-").removesuffix("-internal")


def _has_buckets_in_hosts(settings: "OssSettings") -> bool:
    """Whether it is OSS itself, which knows no other way; an emulator has an address."""
    host = urlsplit(settings.endpoint).hostname or ""
    with contextlib.suppress(ValueError):
        return ip_address(host) is None
    return host != "localhost"


@attrs.frozen(kw_only=True)
class OssSettings(BucketSettings):
    """A bucket of OSS, such as in ``cn-hangzhou`` at ``https://oss-cn-hangzhou.aliyuncs.com``."""

    section: ClassVar = "storage.oss"
    rules: ClassVar = {
        "endpoint": (r"(https?)://([A-Za-z0-9.-]+)(:\d{1,5})?", BucketCode.NOT_AN_ENDPOINT),
        "region": (r"[a-z0-9]+(-[a-z0-9]+)+", BucketCode.NOT_A_REGION),
        "bucket": (r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", BucketCode.NOT_A_BUCKET),
    }
    wrong_prefix: ClassVar = BucketCode.NOT_A_PREFIX

    region: str = attrs.field(converter=_oss_region)
    max_uploads: int = 16
    is_virtual_hosted: bool = attrs.field(
        init=False, default=attrs.Factory(_has_buckets_in_hosts, takes_self=True)
    )


class Crc64:
    """A running CRC-64/XZ, which OSS has of every object (``x-oss-hash-crc64ecma``)."""

    def __init__(self) -> None:
        self.value = 0

    @property
    def text(self) -> str:
        return str(self.value)

    def update(self, data: bytes) -> None:
        self.value = crc64.xz(data, self.value)


class OssBlobArchive(BucketArchive):
    """Verifies every upload by CRC-64 and removes corrupted objects.

    Parts of a large copy that have arrived are not sent again, with ``checkpoints`` also after a restart.
    """

    service = "OSS"
    failed: ClassVar = OssCode.OSS_FAILED
    unusable: ClassVar = OssCode.OSS_FAILED(reason=OssCode.NO_USABLE_RESPONSE(kind="XML"))
    list_query: ClassVar = {"encoding-type": "url"}
    # Otherwise OSS answers a range that begins at the end with the whole object.
    range_headers: ClassVar = {"x-oss-range-behavior": "standard"}
    new_checksum = Crc64
    _auth: Any = None

    def __init__(
        self,
        settings: OssSettings,
        *,
        gate: AddressGate | None = None,
        lookups: NameLookups | None = None,
        checkpoints: Path | None = None,
        owner: InstallationId | None = None,
    ) -> None:
        super().__init__(settings, gate=gate, lookups=lookups, owner=owner)
        self._checkpoints = UploadCheckpoints(checkpoints)

    def _prepare(self) -> ssl.SSLContext:
        settings = self._settings
        token = settings.session_token.reveal() if settings.session_token else None
        credentials = import_oss2().credentials.StaticCredentialsProvider(
            settings.access_key_id, settings.access_key_secret.reveal(), token
        )
        self._auth = import_oss2().ProviderAuthV4(credentials)
        return httpx.create_ssl_context()  # certifi's CAs, or those of ``SSL_CERT_FILE``

    def _signed(
        self, method: str, path: str, name: str, query: dict[str, str], headers: dict[str, str], data: bytes
    ) -> dict[str, str]:
        request = SimpleNamespace(
            method=method,
            url="",
            params=query,
            headers=headers,
            region=self._settings.region,
            product="oss",
            cloudbox_id=None,
        )
        self._auth._sign_request(request, self._settings.bucket, name)  # noqa: SLF001 - as its own Bucket does
        return headers

    @staticmethod
    def refusal(answer: Answer, key: str) -> ImagegenError:
        if not answer.content:  # of a HEAD request
            with contextlib.suppress(ValueError):
                answer = attrs.evolve(answer, content=base64.b64decode(answer.headers.get("x-oss-err", "")))
        code, status = answer.text("Code"), answer.status
        if code == "NoSuchKey" or (status == HTTPStatus.NOT_FOUND and not code):
            return BlobMissing(key)
        is_temporary = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
        details = ": ".join(part for part in (code, answer.text("Message")) if part)
        reason = f"{status} {details}".strip()[:_MAX_MESSAGE_CHARS]
        return (StorageUnreachable if is_temporary else StorageError)(OssCode.OSS_FAILED(reason=reason))

    @staticmethod
    def unreachable(error: Exception, *, is_begun: bool) -> StorageUnreachable:
        if is_begun and not isinstance(error, httpcore2.TimeoutException | TimeoutError):
            return StorageUnreachable(OssCode.RESPONSE_CUT_OFF())
        reason = OssCode.NO_USABLE_RESPONSE(kind=type(error).__name__)
        return StorageUnreachable(OssCode.OSS_FAILED(reason=reason))

    @staticmethod
    def _checksum_of(answer: Answer) -> str | None:
        return answer.headers.get("x-oss-hash-crc64ecma")

    async def _create(self, key: str, data: bytes) -> None:
        """Send an object unless there is one; a bucket with versions replaces it."""
        # https://help.aliyun.com/zh/oss/developer-reference/putobject: x-oss-forbid-overwrite, Content-MD5
        headers = {"x-oss-forbid-overwrite": "true", "content-md5": base64.b64encode(_md5(data)).decode()}
        answer = await self._send("PUT", key, data=data, headers=headers, accept=(HTTPStatus.CONFLICT,))
        if answer.status == HTTPStatus.CONFLICT and answer.text("Code") != "FileAlreadyExists":
            raise self.refusal(answer, key)

    async def _upload(self, key: str, source: Source, content_type: str) -> str | None:
        headers = object_headers(content_type)
        if source.expected_bytes is not None and source.expected_bytes >= MIN_MULTIPART_BYTES:
            return await self._upload_parts(key, source, source.expected_bytes, headers)
        answer = await self._send("PUT", key, data=source.batches(), headers=headers)
        return await self._verified(key, answer, source)

    async def _verified(self, key: str, answer: Answer, source: Source) -> str:
        checksum = source.checksum.text
        if self._checksum_of(answer) == checksum:
            return checksum
        with contextlib.suppress(ImagegenError):
            await self._send("DELETE", key)
        raise StorageError(OssCode.OBJECT_DIFFERS())

    async def delete(self, key: str) -> None:
        await super().delete(key)
        await self._abort(key)

    async def matches(self, source: BlobStore, key: str) -> bool:
        is_equal = await super().matches(source, key)
        if is_equal:  # perhaps by an upload whose last response was lost: remove its checkpoint
            await self._abort(key)
        return is_equal

    # ------------------------------------------------------------ large copies

    async def _upload_parts(
        self, key: str, source: Source, size_bytes: int, headers: dict[str, str]
    ) -> str | None:
        upload, arrived = await self._begin(key, size_bytes, headers)
        etags: list[str] = []
        async with contextlib.aclosing(source.parts()) as parts:
            async for part in parts:
                md5 = await asyncio.to_thread(_md5, part)
                etag = md5.hex().upper()
                if arrived.get(len(etags) + 1) != etag:
                    etag = await self._send_part(key, upload, len(etags) + 1, part, md5)
                etags.append(etag)
        answer = await self._send("POST", key, upload, data=complete_body(etags))
        await asyncio.to_thread(self._checkpoints.remove, self._name(key))
        return await self._verified(key, answer, source)

    async def _begin(
        self, key: str, size_bytes: int, headers: dict[str, str]
    ) -> tuple[dict[str, str], dict[int, str]]:
        """Resume an interrupted upload or start one; return it, and the ETags of its parts."""
        upload_id, size = await asyncio.to_thread(self._checkpoints.find, self._name(key))
        if upload_id and size == size_bytes:
            upload = {"uploadId": upload_id}
            arrived = await self._arrived(key, upload)
            if arrived is not None:
                return upload, arrived
        await self._abort(key)
        upload = await self._begin_upload(key, headers)
        await asyncio.to_thread(self._checkpoints.save, self._name(key), size_bytes, upload["uploadId"])
        return upload, {}

    async def _arrived(self, key: str, upload: dict[str, str]) -> dict[int, str] | None:
        """Return the ETags of the parts by their numbers; None if OSS has no such upload."""
        etags: dict[int, str] = {}
        query = {**upload, "max-parts": "1000"}
        while True:
            answer = await self._send("GET", key, query, accept=(HTTPStatus.NOT_FOUND,))
            if answer.text("Code") == "NoSuchUpload":
                return None
            if answer.status == HTTPStatus.NOT_FOUND:
                raise self.refusal(answer, key)
            page = answer.document
            for part in page.iterfind("{*}Part"):
                etags[int(part.findtext("{*}PartNumber", "0"))] = (
                    part.findtext("{*}ETag", "").strip('"').upper()
                )
            if page.findtext("{*}IsTruncated") != "true":
                return etags
            query["part-number-marker"] = page.findtext("{*}NextPartNumberMarker", "")

    async def _send_part(self, key: str, upload: dict[str, str], number: int, data: bytes, md5: bytes) -> str:
        """Send a part, which OSS rejects if it has another MD5; return its ETag."""
        crc = Crc64()
        await asyncio.to_thread(crc.update, data)
        headers = {"content-md5": base64.b64encode(md5).decode()}
        answer = await self._send(
            "PUT", key, {"partNumber": str(number), **upload}, data=data, headers=headers
        )
        if self._checksum_of(answer) != crc.text:
            raise StorageError(OssCode.PART_DIFFERS(number=number))
        return answer.etag or ""

    async def _abort(self, key: str) -> None:
        """Abort the unfinished upload of which there is a checkpoint, if any."""
        upload_id, _ = await asyncio.to_thread(self._checkpoints.find, self._name(key))
        if upload_id:
            with contextlib.suppress(ImagegenError):
                await self._send("DELETE", key, {"uploadId": upload_id})
            await asyncio.to_thread(self._checkpoints.remove, self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._settings.prefix}{key}"


class UploadCheckpoints:
    """Unfinished uploads, stored in ``directory`` if there is one; blocking.

    Errors of a file are ignored: without it, an upload starts over.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._uploads: dict[str, tuple[str, int]] = {}

    def find(self, name: str) -> tuple[str, int]:
        """Return id and size of the object's unfinished upload; the id is empty if there is none."""
        if name not in self._uploads and (file := self._file(name)) is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                document = json.loads(file.read_text("utf-8"))
                self._uploads[name] = (str(document["upload_id"]), int(document["size"]))
        return self._uploads.get(name, ("", 0))

    def save(self, name: str, size: int, upload_id: str) -> None:
        self._uploads[name] = (upload_id, size)
        if (file := self._file(name)) is not None:
            text = json.dumps({"name": name, "size": size, "upload_id": upload_id})
            with contextlib.suppress(OSError):
                write_durably(file, text.encode())

    def remove(self, name: str) -> None:
        self._uploads.pop(name, None)
        if (file := self._file(name)) is not None:
            with contextlib.suppress(OSError):
                file.unlink()

    def _file(self, name: str) -> Path | None:
        digest = hashlib.sha256(name.encode()).hexdigest()
        return None if self._directory is None else self._directory / f"{digest}.json"


def import_oss2() -> Any:
    """Return the library without its debug logging, which contains signatures."""
    with _importing, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its modules and dependencies emit warnings when compiled
        import oss2
        import oss2.credentials
    # oss2.auth uses datetime.utcnow(), which is correct there but deprecated since Python 3.12
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"oss2\.auth")
    logging.getLogger("oss2").setLevel(logging.WARNING)
    return oss2


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
