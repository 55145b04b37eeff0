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
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+?)(?:Context)?\b")
_MARKS = {
    "InvalidMessage(": S3Code.S3_NO_TLS,
    **dict.fromkeys(("operation timed out", "kind: Timeout"), S3Code.S3_TIMED_OUT),
    **dict.fromkeys(("error decoding response body", "kind: Interrupted"), S3Code.S3_CUT_OFF),
    **dict.fromkeys(("kind: Decode", "end of file before"), S3Code.S3_CUT_OFF),
    **dict.fromkeys(("HTTP error", "error sending request", "kind: Connect"), S3Code.S3_UNREACHABLE),
}
"""What obstore's text has of an exchange without a whole answer; the first mark that it has decides."""

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

CERTIFICATES: dict[str, Callable[..., Message]] = {
    "UnknownIssuer": S3Code.S3_CERTIFICATE_UNTRUSTED,
    "BadSignature": S3Code.S3_CERTIFICATE_UNTRUSTED,  # a CA of the same name, but with another key
    "NotValidForName": S3Code.S3_CERTIFICATE_OF_ANOTHER,
    "Expired": S3Code.S3_CERTIFICATE_EXPIRED,
    "NotValidYet": S3Code.S3_CERTIFICATE_EXPIRED,
}
"""What rustls finds wrong with a certificate; nothing has been sent then, and it may be renewed any time."""

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
    if certificate := _CERTIFICATE.search(text):
        return StorageUnreachable(CERTIFICATES.get(certificate[1], S3Code.S3_CERTIFICATE_REFUSED)())
    for mark, code in _MARKS.items():
        if mark in text:
            return StorageUnreachable(code())
    return StorageError(S3Code.S3_NO_USABLE_ANSWER(kind=type(error).__name__))
