"""A bucket as an archive: signed requests that follow no redirect, on connections to checked addresses."""

import asyncio
import contextlib
import hashlib
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import attrs
import httpcore2

from imagegen_adapters.archives.prefix import MAX_OWNER_BYTES, OWNER_MARK, InstallationId, PrefixClaim
from imagegen_adapters.files.local import RunningChecksum
from imagegen_adapters.outbound.addresses import AddressGate, NameLookups
from imagegen_adapters.outbound.transport import CheckedBackend
from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    StorageError,
    StorageUnreachable,
    UpstreamNotAllowed,
    ValidationFailed,
)
from imagegen_core.images import MediaType, StorageState
from imagegen_core.messages import Message, MessageCode, ProblemCode, StorageCode
from imagegen_core.ports.blobs import MAX_KEY_CHARS, BlobStore, StoredBlob, check_key, is_key
from imagegen_core.secrets import Secret

PART_BYTES = 8 * 1024 * 1024  # of large objects, whose ETag depends on it, so it must stay

MAX_PREFIX_CHARS = 1023 - MAX_KEY_CHARS - 1  # OSS allows names of 1,023 bytes, S3 of one more

_PIECE_BYTES = 64 * 1024  # sent at once: each has the whole time-out
_BATCH_BYTES = 256 * 1024  # hashed at once, in a thread
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_PAGE = 1000
_RETRY_SECONDS = 10.0  # no retry begins later, so that a slow server is not waited for three times
_PAUSE_SECONDS = 0.2
_LOOKUPS = 4
_OK, _PARTIAL, _MULTIPLE_CHOICES, _UNSATISFIABLE = 200, 206, 300, 416


def _endpoint(text: str) -> str:
    stripped = text.strip().rstrip("/")
    return stripped if "://" in stripped else f"https://{stripped}"


def _prefix(text: str) -> str:
    stripped = text.strip().strip("/")
    return f"{stripped}/" if stripped else ""


def _stripped(text: str) -> str:
    return text.strip()


@attrs.frozen(kw_only=True)
class BucketSettings:
    """How to reach a bucket. Raises `ValidationFailed`, which names the first wrong key below ``section``."""

    section: ClassVar[str]
    rules: ClassVar[Mapping[str, tuple[str, MessageCode]]]  # the expression of a field, and its message
    wrong_prefix: ClassVar[MessageCode]

    endpoint: str = attrs.field(converter=_endpoint)
    region: str = attrs.field(converter=_stripped)
    bucket: str
    access_key_id: str
    access_key_secret: Secret
    session_token: Secret | None = None  # of temporary keys
    prefix: str = attrs.field(default="", converter=_prefix)  # of every key, so that services share a bucket
    is_virtual_hosted: bool = False  # bucket.endpoint/key instead of endpoint/bucket/key
    connect_timeout: float = 5.0  # with the DNS lookup
    idle_timeout: float = 30.0  # without a byte in either direction
    max_uploads: int = 8  # at once; each has up to two parts in memory

    def __attrs_post_init__(self) -> None:
        reasons = {
            name: code()
            for name, (form, code) in self.rules.items()
            if not re.fullmatch(form, getattr(self, name))
        }
        if not self.access_key_id.strip():
            reasons["access_key_id"] = ProblemCode.EMPTY()
        if self.prefix and not (is_key(self.prefix[:-1]) and len(self.prefix) <= MAX_PREFIX_CHARS):
            reasons["prefix"] = self.wrong_prefix(maximum=MAX_PREFIX_CHARS)
        for name, reason in reasons.items():
            raise ValidationFailed.for_field(f"{self.section}.{name}", reason)

    @property
    def url(self) -> str:
        if not self.is_virtual_hosted:
            return self.endpoint
        scheme, _, authority = self.endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{authority}"


# ---------------------------------------------------------------- requests and answers


@attrs.frozen(kw_only=True)
class Answer:
    """A response with its body; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def document(self) -> ET.Element:
        """The root of the body; an empty one if it is no XML, as from a proxy on the way."""
        if b"<!DOCTYPE" not in self.content:  # nor does it define any entity
            with contextlib.suppress(ET.ParseError):
                return ET.fromstring(self.content.strip())  # noqa: S314 - see above
        return ET.Element("")

    def text(self, name: str) -> str:
        return self.document.findtext(f"{{*}}{name}") or ""

    @property
    def etag(self) -> str | None:
        return unquoted(self.headers.get("etag"))


def unquoted(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/").strip('"')


class Source:
    """Bytes read once, with size and checksums so far; a size other than ``expected_bytes`` is an error."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        checksum: RunningChecksum,
        *,
        key: str = "",
        expected_bytes: int | None = None,
    ) -> None:
        self._chunks, self._key, self.expected_bytes = chunks, key, expected_bytes
        self._sha256, self.checksum, self.size_bytes = hashlib.sha256(), checksum, 0
        self.is_at_end = False  # whether the part that was read last is the last one

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    async def batches(self) -> AsyncIterator[bytes]:
        """Yield batches of at least 256 KiB but for the last, each after it was hashed."""
        batch = bytearray()
        async for chunk in self._chunks:
            batch += chunk
            if len(batch) >= _BATCH_BYTES:
                yield await self._hashed(bytes(batch))
                batch.clear()
        if batch:
            yield await self._hashed(bytes(batch))
        if self.expected_bytes is not None and self.size_bytes < self.expected_bytes:
            raise StorageError(StorageCode.BLOB_SHORTER(key=self._key, size=self.expected_bytes))

    async def _hashed(self, batch: bytes) -> bytes:
        await asyncio.to_thread(self._sha256.update, batch)
        await asyncio.to_thread(self.checksum.update, batch)
        self.size_bytes += len(batch)
        if self.expected_bytes is not None and self.size_bytes > self.expected_bytes:
            raise StorageError(StorageCode.BLOB_LONGER(key=self._key, size=self.expected_bytes))
        return batch

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield parts of `PART_BYTES`; the last is smaller, and empty if there are no bytes."""
        part = bytearray()
        async for batch in self.batches():
            part += batch
            while len(part) > PART_BYTES:
                yield bytes(part[:PART_BYTES])
                del part[:PART_BYTES]
        self.is_at_end = True
        yield bytes(part)

    async def read_through(self) -> None:
        async for _ in self.batches():
            pass


class _SourceFailed(Exception):
    """Wraps the error of a source, so that it is not taken for one of the connection."""


class BucketArchive(ABC):
    """Stores each blob as the object ``prefix + key``. What differs between services is in the subclasses.

    ``gate`` judges each address before a connection to it is opened; None trusts all. The first request
    claims the prefix for the installation ``owner``; none works while it belongs to another one.
    """

    service: ClassVar[str]
    failed: ClassVar[MessageCode]  # with a reason
    unusable: ClassVar[Message]  # of an answer that is not the service's
    tries: ClassVar[int] = 1
    list_query: ClassVar[Mapping[str, str]] = {}
    range_headers: ClassVar[Mapping[str, str]] = {}
    new_checksum: type[RunningChecksum]  # that the service compares by

    def __init__(
        self,
        settings: BucketSettings,
        *,
        gate: AddressGate | None = None,
        lookups: NameLookups | None = None,
        owner: InstallationId | None = None,
    ) -> None:
        self._settings = settings
        self._gate, self._lookups = gate, lookups
        self._host = urlsplit(settings.url).netloc
        self._path = "" if settings.is_virtual_hosted else f"/{settings.bucket}"
        self._uploads = asyncio.Semaphore(settings.max_uploads)
        self._opening = asyncio.Lock()
        self._pool: httpcore2.AsyncConnectionPool | None = None
        self._is_closed = False
        self.prefix = PrefixClaim(
            archive=self.service,
            place=f"{settings.bucket}/{settings.prefix}",
            read=self._read_owner,
            create=lambda data: self._create(OWNER_MARK, data),
            installation_id=owner,
        )

    # ------------------------------------------------------------ what a service decides

    @abstractmethod
    def _signed(
        self, method: str, path: str, name: str, query: dict[str, str], headers: dict[str, str], data: bytes
    ) -> dict[str, str]:
        """Return the headers with a signature; ``name`` is empty for the bucket, ``data`` if streamed."""

    @staticmethod
    @abstractmethod
    def refusal(answer: Answer, key: str) -> ImagegenError:
        """Return the port's error for an answer of failure."""

    @staticmethod
    @abstractmethod
    def unreachable(error: Exception, *, is_begun: bool) -> StorageUnreachable:
        """Return the port's error for a failed connection, perhaps after an answer has begun."""

    @staticmethod
    @abstractmethod
    def _checksum_of(answer: Answer) -> str | None: ...

    @abstractmethod
    async def _create(self, key: str, data: bytes) -> None:
        """Send an object unless there is one."""

    @abstractmethod
    async def _upload(self, key: str, source: Source, content_type: str) -> str | None:
        """Send an object; return its checksum once its bytes are proved to be there, else remove it."""

    async def _holds(self, key: str, source: Source) -> bool:
        """Whether an object with another checksum has the source's bytes nevertheless."""
        return False

    def _prepare(self) -> ssl.SSLContext:
        """Trust the certificates of the system, or of ``SSL_CERT_FILE``; blocks."""
        return ssl.create_default_context()

    # ------------------------------------------------------------ the port

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        return await self._store(key, Source(chunks, self.new_checksum()), content_type)

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        content = Source(source.open(key), self.new_checksum(), key=key, expected_bytes=size_bytes)
        return await self._store(key, content, content_type)

    async def _store(self, key: str, source: Source, content_type: str) -> StoredBlob:
        check_key(key)
        await self.prefix.hold()
        async with self._uploads:
            checksum = await self._upload(key, source, content_type)
        return StoredBlob(
            key=key,
            size_bytes=source.size_bytes,
            sha256=source.sha256,
            archive_checksum=checksum,
            state=StorageState.ARCHIVE,
        )

    async def sync(self, key: str) -> None:
        check_key(key)  # an object is durable once the service has confirmed it

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise BlobMissing(key)
            return
        await self.prefix.hold()
        async for chunk in self._get(key, start, end):
            yield chunk

    async def stat(self, key: str) -> StoredBlob | None:
        check_key(key)
        await self.prefix.hold()
        try:
            head = await self._head(key)
        except BlobMissing:
            return None
        return StoredBlob(
            key=key,
            size_bytes=int(head.headers.get("content-length", 0)),
            archive_checksum=self._checksum_of(head),
            state=StorageState.ARCHIVE,
        )

    async def delete(self, key: str) -> None:
        check_key(key)
        await self.prefix.hold()
        with contextlib.suppress(BlobMissing):
            await self._send("DELETE", key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        await self.prefix.hold()
        query = {
            "list-type": "2",
            "prefix": f"{self._settings.prefix}{prefix}",
            "max-keys": str(_PAGE),
            **self.list_query,
        }
        while True:
            page = (await self._send("GET", None, query)).document
            if not page.tag.endswith("ListBucketResult"):
                raise StorageError(self.unusable)
            decoded = unquote if page.findtext("{*}EncodingType") == "url" else str
            for name in page.iterfind("{*}Contents/{*}Key"):
                key = decoded(name.text or "").removeprefix(self._settings.prefix)
                if is_key(key):
                    yield key
            token = page.findtext("{*}NextContinuationToken")
            if not token:
                return
            query = {**query, "continuation-token": decoded(token)}

    async def matches(self, source: BlobStore, key: str) -> bool:
        archived = await self.stat(key)
        local = Source(source.open(key), self.new_checksum())
        await local.read_through()
        if archived is None or archived.size_bytes != local.size_bytes:
            return False
        return archived.archive_checksum == local.checksum.text or await self._holds(key, local)

    async def aclose(self) -> None:
        """Cut every connection without waiting for the server."""
        self._is_closed = True
        if self._pool is not None:
            await self._pool.aclose()

    # ------------------------------------------------------------ requests

    async def _read_owner(self) -> bytes | None:
        owner = b""  # asked for as a whole: not every server knows a range beyond the end
        try:
            async with contextlib.aclosing(self._get(OWNER_MARK)) as chunks:
                async for chunk in chunks:
                    owner += chunk
                    if len(owner) > MAX_OWNER_BYTES:
                        break
        except BlobMissing:
            return None
        return owner

    async def _begin_upload(self, key: str, headers: dict[str, str]) -> dict[str, str]:
        """Begin an upload in parts; return the query that names it."""
        upload_id = (await self._send("POST", key, {"uploads": ""}, headers=headers)).text("UploadId")
        if not upload_id:
            raise StorageError(self.unusable)
        return {"uploadId": upload_id}

    async def _head(self, key: str) -> Answer:
        return await self._send("HEAD", key)  # S3 has another one

    async def _get(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the range, none if it begins at the end. A retry goes on where a cut response ended."""
        retries, etag = self._retries(), ""
        while True:
            try:
                headers = self._conditions(start, end, etag)
                async with self._exchange("GET", key, headers=headers) as (answer, response):
                    if answer.status == _UNSATISFIABLE:
                        return
                    if answer.status not in (_OK, _PARTIAL):
                        raise self.refusal(attrs.evolve(answer, content=await _read(response)), key)
                    etag = answer.headers.get("etag", "")
                    content_range = answer.headers.get("content-range", "")
                    if answer.status == _PARTIAL and not content_range.startswith(f"bytes {start}-"):
                        raise StorageError(self.unusable)
                    at = start if answer.status == _PARTIAL else 0  # else it has ignored the range
                    async for piece in response.aiter_stream():
                        chunk = piece[max(0, start - at) : None if end is None else max(0, end - at)]
                        at += len(piece)
                        start += len(chunk)
                        if chunk:
                            yield chunk
                        if end is not None and at > end:
                            break
                return
            except StorageUnreachable:
                if await anext(retries, None) is None:
                    raise

    def _conditions(self, start: int, end: int | None, etag: str) -> dict[str, str]:
        headers = {"if-match": etag} if etag and not etag.startswith("W/") else {}
        if start or end is not None:
            headers |= {"range": f"bytes={start}-{'' if end is None else end - 1}", **self.range_headers}
        return headers

    async def _send(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None = None,
        *,
        data: bytes | AsyncIterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send a request about an object, or the bucket, and retry if its failure may pass."""
        retries = self._retries()
        while True:
            try:
                async with self._exchange(method, key, query, data, headers) as (head, response):
                    answer = attrs.evolve(head, content=await _read(response))
                if answer.status >= _MULTIPLE_CHOICES and answer.status not in accept:
                    raise self.refusal(answer, key or "")
            except StorageUnreachable:
                if await anext(retries, None) is None:
                    raise
            else:
                return answer

    async def _retries(self) -> AsyncIterator[int]:
        """Yield after a pause for each retry."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RETRY_SECONDS
        for number in range(self.tries - 1):
            if self._is_closed or loop.time() >= deadline:
                return
            await asyncio.sleep(_PAUSE_SECONDS * 2**number)
            yield number

    @contextlib.asynccontextmanager
    async def _exchange(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None = None,
        data: bytes | AsyncIterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[tuple[Answer, httpcore2.Response]]:
        """Send a request once and yield its response, body unread; it is closed at the end."""
        pool = await self._opened()
        request = await self._request(method, key, dict(query or {}), data, dict(headers or {}))
        response: httpcore2.Response | None = None
        try:
            if self._is_closed:
                raise httpcore2.ConnectError("closed")
            response = await pool.handle_async_request(request)
            received = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in response.headers}
            yield Answer(status=response.status, headers=received), response
        except _SourceFailed as failure:
            raise failure.args[0] from None
        except UpstreamNotAllowed as error:
            raise StorageError(self.failed(reason=error.advice)) from error
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
            OSError,
        ) as error:
            raise self.unreachable(error, is_begun=response is not None) from error
        finally:
            if response is not None:
                await response.aclose()

    async def _request(
        self,
        method: str,
        key: str | None,
        query: dict[str, str],
        data: bytes | AsyncIterator[bytes],
        headers: dict[str, str],
    ) -> httpcore2.Request:
        name = "" if key is None else f"{self._settings.prefix}{key}"
        path = f"{self._path}/{quote(name)}"
        body = data if isinstance(data, bytes) else b""
        headers = {"host": self._host, "user-agent": "imagegen", **headers}
        signed = await asyncio.to_thread(self._signed, method, path, name, query, headers, body)
        if not isinstance(data, bytes):
            signed["transfer-encoding"] = "chunked"
        elif body or method in ("PUT", "POST"):
            signed["content-length"] = str(len(body))
        encoded = encoded_query(query)
        idle, connect = self._settings.idle_timeout, self._settings.connect_timeout
        return httpcore2.Request(
            method,
            f"{self._settings.url}{path}{'?' * bool(encoded)}{encoded}",
            headers=[(name.encode(), text.encode()) for name, text in signed.items()],
            content=_in_pieces(data),
            extensions={"timeout": {"connect": connect, "read": idle, "write": idle, "pool": None}},
        )

    async def _opened(self) -> httpcore2.AsyncConnectionPool:
        async with self._opening:
            if self._pool is None:
                backend = None
                if self._gate is not None:
                    lookups, timeout = self._lookups or NameLookups(_LOOKUPS), self._settings.connect_timeout
                    backend = CheckedBackend(self._gate, connect_timeout=timeout, lookups=lookups)
                self._pool = httpcore2.AsyncConnectionPool(
                    ssl_context=await asyncio.to_thread(self._prepare),
                    max_connections=None,
                    max_keepalive_connections=16,
                    keepalive_expiry=self._settings.idle_timeout / 2,
                    network_backend=backend,
                )
            return self._pool


def object_headers(content_type: str) -> dict[str, str]:
    """Return the headers of a new object. A bucket that is open to browsers never shows an SVG as a page."""
    headers = {"content-type": content_type}
    return headers | {"content-disposition": "attachment"} if content_type == MediaType.SVG else headers


def complete_body(etags: Collection[str]) -> bytes:
    """Return the document that makes an object of parts, whose ETags are in order."""
    parts = (
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
        for number, etag in enumerate(etags, start=1)
    )
    return f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()


def encoded_query(query: Mapping[str, str]) -> str:
    """Return the query as it is sent and signed."""
    return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))


async def _read(response: httpcore2.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise httpcore2.RemoteProtocolError("the answer is too long")
    return bytes(content)


async def _in_pieces(data: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        for at in range(0, len(data), _PIECE_BYTES):
            yield data[at : at + _PIECE_BYTES]
        return
    try:
        async for chunk in data:
            yield chunk
    except Exception as error:  # whatever the source raises is not the connection's fault
        raise _SourceFailed(error) from error
