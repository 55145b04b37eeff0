"""Blobs in a bucket of S3, or of a server that speaks its protocol."""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar

import attrs
import httpcore2

from imagegen_adapters.archives.bucket import (
    PART_BYTES,
    Answer,
    BucketArchive,
    BucketSettings,
    Source,
    complete_body,
    encoded_query,
    object_headers,
    unquoted,
)
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.messages import Message, MessageCode


class S3BucketCode(MessageCode, words="imagegen_adapters"):
    """Rules of the settings below storage.s3."""


class S3Code(MessageCode, words="imagegen_adapters"):
    """Why S3 could not keep or give bytes. What the server wrote is not quoted: it may hold a key."""


_Meaning = tuple[type[StorageError], Callable[..., Message]]

CODES: dict[str, _Meaning] = {
    "InvalidAccessKeyId": (StorageError, S3Code.S3_WRONG_KEY),
    "SignatureDoesNotMatch": (StorageError, S3Code.S3_WRONG_KEY),
    "InvalidSecurity": (StorageError, S3Code.S3_WRONG_KEY),
    "ExpiredToken": (StorageError, S3Code.S3_TOKEN_REFUSED),
    "InvalidToken": (StorageError, S3Code.S3_TOKEN_REFUSED),
    "TokenRefreshRequired": (StorageError, S3Code.S3_TOKEN_REFUSED),
    "AccessDenied": (StorageError, S3Code.S3_NO_RIGHT),
    "AccountProblem": (StorageError, S3Code.S3_NO_RIGHT),
    "AllAccessDisabled": (StorageError, S3Code.S3_NO_RIGHT),
    "NoSuchBucket": (StorageError, S3Code.S3_NO_BUCKET),
    "InvalidBucketName": (StorageError, S3Code.S3_NO_BUCKET),
    "RequestTimeTooSkewed": (StorageError, S3Code.S3_CLOCK_SKEW),
    "RequestExpired": (StorageError, S3Code.S3_CLOCK_SKEW),
    "AuthorizationHeaderMalformed": (StorageError, S3Code.S3_WRONG_REGION),
    "PermanentRedirect": (StorageError, S3Code.S3_WRONG_REGION),
    "TemporaryRedirect": (StorageError, S3Code.S3_WRONG_REGION),
    "IllegalLocationConstraintException": (StorageError, S3Code.S3_WRONG_REGION),
    "SlowDown": (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    "SlowDownRead": (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    "SlowDownWrite": (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    "TooManyRequests": (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    "RequestTimeout": (StorageUnreachable, S3Code.S3_SERVER_FAILED),
    "InternalError": (StorageUnreachable, S3Code.S3_SERVER_FAILED),
    "ServiceUnavailable": (StorageUnreachable, S3Code.S3_SERVER_FAILED),
    "QuotaExceeded": (StorageError, S3Code.S3_REFUSED),
    "XMinioStorageFull": (StorageError, S3Code.S3_REFUSED),
    "MethodNotAllowed": (StorageError, S3Code.S3_REFUSED),
    "InvalidRequest": (StorageError, S3Code.S3_REFUSED),
    "InvalidArgument": (StorageError, S3Code.S3_REFUSED),
    "InvalidObjectState": (StorageError, S3Code.S3_REFUSED),
    "NoSuchUpload": (StorageError, S3Code.S3_REFUSED),
}
"""Of any other code only the status is shown."""

STATUSES: dict[int, _Meaning] = {
    HTTPStatus.UNAUTHORIZED: (StorageError, S3Code.S3_WRONG_KEY),
    HTTPStatus.FORBIDDEN: (StorageError, S3Code.S3_NO_RIGHT),
    HTTPStatus.MOVED_PERMANENTLY: (StorageError, S3Code.S3_WRONG_REGION),
    HTTPStatus.TEMPORARY_REDIRECT: (StorageError, S3Code.S3_WRONG_REGION),
    HTTPStatus.REQUEST_TIMEOUT: (StorageUnreachable, S3Code.S3_TIMED_OUT),
    HTTPStatus.TOO_MANY_REQUESTS: (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    HTTPStatus.NOT_IMPLEMENTED: (StorageError, S3Code.S3_REFUSED),
    HTTPStatus.SERVICE_UNAVAILABLE: (StorageUnreachable, S3Code.S3_SLOW_DOWN),
}
"""For responses without a code, such as those to HEAD."""

CERTIFICATES: dict[int, Callable[..., Message]] = {
    **dict.fromkeys((7, 18, 19, 20, 21), S3Code.S3_CERTIFICATE_UNTRUSTED),
    **dict.fromkeys((62, 64), S3Code.S3_CERTIFICATE_OF_ANOTHER),
    **dict.fromkeys((9, 10), S3Code.S3_CERTIFICATE_EXPIRED),
}
"""By OpenSSL's ``X509_V_ERR_…``; nothing has been sent then."""


@attrs.frozen(kw_only=True)
class S3Settings(BucketSettings):
    """A bucket of S3, such as at ``https://s3.eu-central-1.amazonaws.com``; without regions ``us-east-1``."""

    section: ClassVar = "storage.s3"
    rules: ClassVar = {
        "endpoint": (
            r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?",
            S3BucketCode.NOT_AN_S3_ENDPOINT,
        ),
        "region": (r"[a-z0-9]+(-[a-z0-9]+)*", S3BucketCode.NOT_AN_S3_REGION),
        "bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", S3BucketCode.NOT_AN_S3_BUCKET),
    }
    wrong_prefix: ClassVar = S3BucketCode.NOT_AN_S3_PREFIX


class S3Etag:
    """A running ETag: the MD5 of an object, or that of its parts' MD5s and their number.

    S3 and most servers have it, if they do not encrypt the object with another's key
    (docs.aws.amazon.com, "Checking object integrity").
    """

    def __init__(self) -> None:
        self._part = hashlib.md5(usedforsecurity=False)
        self._part_bytes = 0
        self._digests: list[bytes] = []

    @property
    def text(self) -> str:
        if not self._digests:
            return self._part.hexdigest()
        digests = [*self._digests, *([self._part.digest()] if self._part_bytes else [])]
        return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"

    def update(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self._part_bytes == PART_BYTES:  # only now is it known not to be the last one
                self._digests.append(self._part.digest())
                self._part, self._part_bytes = hashlib.md5(usedforsecurity=False), 0
            piece = rest[: PART_BYTES - self._part_bytes]
            self._part.update(piece)
            self._part_bytes += len(piece)
            rest = rest[len(piece) :]


class S3BlobArchive(BucketArchive):
    """An upload counts once S3 returns the ETag that we computed; else the object is read and compared."""

    service, tries = "S3", 3
    failed: ClassVar = S3Code.S3_NOT_ALLOWED
    unusable: ClassVar = S3Code.S3_NO_USABLE_ANSWER(kind="XML")
    new_checksum = S3Etag
    _is_known = False  # whether the bucket exists

    def _signed(
        self, method: str, path: str, name: str, query: dict[str, str], headers: dict[str, str], data: bytes
    ) -> dict[str, str]:
        """Sign by version 4 (docs.aws.amazon.com, "Signature Version 4")."""
        settings, moment = self._settings, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        digest = hashlib.sha256(data).hexdigest()
        headers = {**headers, "x-amz-date": moment, "x-amz-content-sha256": digest}
        if settings.session_token is not None:
            headers["x-amz-security-token"] = settings.session_token.reveal()
        names = ";".join(sorted(headers))
        lines = "".join(f"{header}:{headers[header].strip()}\n" for header in sorted(headers))
        request = "\n".join((method, path, encoded_query(query), lines, names, digest))
        parts = (moment[:8], settings.region, "s3", "aws4_request")
        scope = "/".join(parts)
        to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{settings.access_key_secret.reveal()}".encode()
        for part in parts:
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        credential = f"Credential={settings.access_key_id}/{scope}"
        authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        return {**headers, "authorization": authorization}

    @staticmethod
    def refusal(answer: Answer, key: str) -> ImagegenError:
        """Return the port's error for S3's code or the status; nothing else is passed on."""
        code, status = answer.text("Code"), answer.status
        if code in CODES:
            kind, message = CODES[code]
            return kind(message(code=code))
        if code == "NoSuchKey" or (status == HTTPStatus.NOT_FOUND and not code):
            return BlobMissing(key)
        default: _Meaning = StorageError, S3Code.S3_REFUSED
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            default = StorageUnreachable, S3Code.S3_SERVER_FAILED
        kind, message = STATUSES.get(status, default)
        return kind(message(code=status))

    @staticmethod
    def unreachable(error: BaseException, *, is_begun: bool) -> StorageUnreachable:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                code = CERTIFICATES.get(cause.verify_code, S3Code.S3_CERTIFICATE_REFUSED)
                return StorageUnreachable(code())
            if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
                return StorageUnreachable(S3Code.S3_NO_TLS())
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpcore2.TimeoutException | TimeoutError):
            return StorageUnreachable(S3Code.S3_TIMED_OUT())
        return StorageUnreachable(S3Code.S3_CUT_OFF() if is_begun else S3Code.S3_UNREACHABLE())

    @staticmethod
    def _checksum_of(answer: Answer) -> str | None:
        return answer.etag

    async def _head(self, key: str) -> Answer:
        """Return size and ETag. A refused HEAD has no reason, so a GET asks for it."""
        answer = await self._send("HEAD", key, accept=range(HTTPStatus.MULTIPLE_CHOICES, 500))
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            if answer.status == HTTPStatus.NOT_FOUND and self._is_known:
                raise BlobMissing(key)
            try:
                async for _ in self._get(key, 0, 1):
                    break
            except BlobMissing:
                self._is_known = True
                raise
            answer = await self._send("HEAD", key)
        self._is_known = True
        return answer

    async def _create(self, key: str, data: bytes) -> None:
        refused = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT)
        answer = await self._send("PUT", key, data=data, headers={"if-none-match": "*"}, accept=refused)
        if answer.status == HTTPStatus.NOT_IMPLEMENTED:  # it replaces what there is
            await self._send("PUT", key, data=data)

    async def _upload(self, key: str, source: Source, content_type: str) -> str | None:
        etag = await self._send_all(key, source, object_headers(content_type))
        if etag != source.checksum.text and not await self._holds(key, source):
            await self.delete(key)
            raise StorageError(S3Code.S3_OBJECT_DIFFERS())
        return etag

    async def _send_all(self, key: str, source: Source, headers: dict[str, str]) -> str | None:
        """Send an object, in parts if it is large, and return its ETag; on failure no part remains."""
        beginning: asyncio.Task[dict[str, str]] | None = None
        etags: list[str] = []
        try:
            async with contextlib.aclosing(source.parts()) as parts:
                async for part in parts:
                    if beginning is None:
                        if source.is_at_end:
                            return (await self._send("PUT", key, data=part, headers=headers)).etag
                        beginning = asyncio.create_task(self._begin_upload(key, headers))
                        upload = await asyncio.shield(beginning)
                    query = {"partNumber": str(len(etags) + 1), **upload}
                    etags.append((await self._send("PUT", key, query, data=part)).headers.get("etag", ""))
            return await self._complete(key, upload, etags)
        except BaseException:  # cancelled too: parts are paid for and never seen
            if beginning is not None:
                with contextlib.suppress(ImagegenError):
                    await asyncio.shield(self._abort(key, beginning))
            raise

    async def _complete(self, key: str, upload: dict[str, str], etags: list[str]) -> str | None:
        """Make an object of the parts; return its ETag, or None if an earlier try may have made it."""
        body = complete_body(etags)
        answer = await self._send("POST", key, upload, data=body, accept=(HTTPStatus.NOT_FOUND,))
        if answer.text("Code") == "NoSuchUpload":
            return None
        if answer.status != HTTPStatus.OK or answer.text("Code"):  # S3 also sends errors as 200 here
            raise self.refusal(answer, key)
        return unquoted(answer.text("ETag"))

    async def _abort(self, key: str, beginning: asyncio.Task[dict[str, str]]) -> None:
        await self._send("DELETE", key, await beginning)

    async def _holds(self, key: str, source: Source) -> bool:
        archived = Source(self.open(key), S3Etag())
        try:
            await archived.read_through()
        except BlobMissing:
            return False
        return archived.sha256 == source.sha256
