"""Maps exceptions of obstore to the errors of the port.

obstore has a few classes, and the status and the body of the response only within the text. Its text also
quotes URLs and whatever the server wrote, so nothing of it is passed on but a code that the table knows.
"""

import re
from collections.abc import Callable
from http import HTTPStatus

from imagegen_adapters.blob_archives.s3.messages import S3Code
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError, StorageUnreachable
from imagegen_core.messages import Message

_STATUS = re.compile(r"Server returned non-2xx status code: (\d{3})|Server returned error response: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
_REGION_HINT = "Received redirect without LOCATION"
_TIMEOUTS = ("operation timed out", "kind: Timeout")
_BROKEN_ANSWERS = ("error decoding response body", "kind: Interrupted", "kind: Decode", "end of file before")
_NO_ANSWERS = ("HTTP error", "error sending request", "kind: Connect")

CODES: dict[str, tuple[type[StorageError], Callable[..., Message]]] = {
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
"""What S3's codes mean. Of another code only the status is shown."""

STATUSES: dict[int, tuple[type[StorageError], Callable[..., Message]]] = {
    HTTPStatus.UNAUTHORIZED: (StorageError, S3Code.S3_WRONG_KEY),
    HTTPStatus.FORBIDDEN: (StorageError, S3Code.S3_NO_RIGHT),
    HTTPStatus.MOVED_PERMANENTLY: (StorageError, S3Code.S3_WRONG_REGION),
    HTTPStatus.TEMPORARY_REDIRECT: (StorageError, S3Code.S3_WRONG_REGION),
    HTTPStatus.REQUEST_TIMEOUT: (StorageUnreachable, S3Code.S3_TIMED_OUT),
    HTTPStatus.TOO_MANY_REQUESTS: (StorageUnreachable, S3Code.S3_SLOW_DOWN),
    HTTPStatus.NOT_IMPLEMENTED: (StorageError, S3Code.S3_REFUSED),
    HTTPStatus.SERVICE_UNAVAILABLE: (StorageUnreachable, S3Code.S3_SLOW_DOWN),
}
"""What a status means whose response has no code, as that of every HEAD request."""


def translate(error: Exception, key: str) -> ImagegenError:
    """Return the port's error for an exception that obstore has raised."""
    text = str(error)
    status, code = status_of(error), code_of(error)
    if code in CODES:
        kind, message = CODES[code]
        return kind(message(code=code))
    if isinstance(error, FileNotFoundError) or code == "NoSuchKey":
        return BlobMissing(key)
    if status in STATUSES:
        kind, message = STATUSES[status]
        return kind(message(code=status))
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StorageUnreachable(S3Code.S3_SERVER_FAILED(code=status))
    if status is not None:
        return StorageError(S3Code.S3_REFUSED(code=status))
    return _without_status(error, text)


def status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status of the response; None if there was none."""
    match = _STATUS.search(str(error))
    return int(match[1] or match[2]) if match else None


def code_of(error: BaseException | None) -> str | None:
    """Return S3's own code for what happened; None if the response had none."""
    match = _CODE.search(str(error))
    return match[1] if match else None


def is_unexplained(error: BaseException | None) -> bool:
    """Return whether it is a refusal that gives no code, as of every HEAD request."""
    status = status_of(error)
    return (
        status is not None
        and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and (code_of(error) is None)
    )


def _without_status(error: Exception, text: str) -> ImagegenError:
    if _REGION_HINT in text:
        return StorageError(S3Code.S3_WRONG_REGION(code=HTTPStatus.MOVED_PERMANENTLY.value))
    if any(mark in text for mark in _TIMEOUTS):
        return StorageUnreachable(S3Code.S3_TIMED_OUT())
    if any(mark in text for mark in _BROKEN_ANSWERS):
        return StorageUnreachable(S3Code.S3_CUT_OFF())
    if any(mark in text for mark in _NO_ANSWERS):
        return StorageUnreachable(S3Code.S3_UNREACHABLE())
    return StorageError(S3Code.S3_NO_USABLE_ANSWER(kind=type(error).__name__))
