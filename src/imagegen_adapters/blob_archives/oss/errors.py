"""Maps exceptions of oss2, requests and urllib3 to the errors of the port, by one table."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from imagegen_adapters.blob_archives.oss.messages import OssCode
from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    StorageError,
    StorageUnreachable,
    UpstreamNotAllowed,
)
from imagegen_core.messages import Message

_MIN_RETRYABLE_STATUS = 500
_MAX_MESSAGE_CHARS = 300

# By name, since these libraries are imported lazily. The first class in an exception's MRO that has a row
# decides; a test checks that every exception of these libraries is covered.
TABLE: dict[str, type[ImagegenError]] = {
    "oss2.exceptions.NoSuchKey": BlobMissing,
    "oss2.exceptions.NotFound": StorageError,  # the bucket, an upload, a configuration; see _is_bare_404
    "oss2.exceptions.ServerError": StorageError,  # 5xx and 429: see _is_temporary
    "oss2.exceptions.ClientError": StorageError,
    "oss2.exceptions.InconsistentError": StorageError,
    "oss2.exceptions.OpenApiFormatError": StorageError,
    "oss2.exceptions.OpenApiServerError": StorageError,
    "oss2.exceptions.SelectOperationClientError": StorageError,
    "oss2.exceptions.RequestError": StorageUnreachable,  # the wrapped exception decides
    "requests.exceptions.TooManyRedirects": StorageError,
    "requests.exceptions.InvalidURL": StorageError,
    "requests.exceptions.URLRequired": StorageError,
    "requests.exceptions.MissingSchema": StorageError,
    "requests.exceptions.InvalidSchema": StorageError,
    "requests.exceptions.InvalidHeader": StorageError,
    "requests.exceptions.UnrewindableBodyError": StorageError,
    "requests.exceptions.StreamConsumedError": StorageError,
    "requests.exceptions.JSONDecodeError": StorageError,
    "requests.exceptions.RequestException": StorageUnreachable,  # connection refused, reset or timed out
    "urllib3.exceptions.LocationValueError": StorageError,
    "urllib3.exceptions.ProxySchemeUnsupported": StorageError,
    "urllib3.exceptions.HTTPError": StorageUnreachable,
    "imagegen_core.errors.UpstreamNotAllowed": StorageError,
    # A response that is not from OSS: a captive portal, or the endpoint of another product.
    "xml.etree.ElementTree.ParseError": StorageError,
    "builtins.RuntimeError": StorageError,
    "builtins.ValueError": StorageError,
    "builtins.AttributeError": StorageError,
    "builtins.OSError": StorageUnreachable,
}


@contextlib.contextmanager
def storage_errors(key: str) -> Iterator[None]:
    """Translate exceptions raised in the body; our own errors and unknown exceptions pass through."""
    try:
        yield
    except Exception as error:  # oss2's errors have no common type
        translated = translate(error, key)
        if translated is None:
            raise
        raise translated from error


def translate(error: Exception, key: str) -> ImagegenError | None:
    """Return the port's error for a foreign exception, or None if the table does not cover it."""
    inner = getattr(error, "exception", None)
    inner_kind = mapped_error(inner) if isinstance(inner, Exception) else None
    kind = inner_kind or mapped_error(error)
    if kind is None:
        return None
    if kind is BlobMissing or _is_bare_404(error):
        return BlobMissing(key)
    if _is_temporary(error):
        kind = StorageUnreachable
    return kind(OssCode.OSS_FAILED(reason=_reason(error)))


def mapped_error(error: Exception) -> type[ImagegenError] | None:
    """Return the table's entry for an exception, or None."""
    for kind in type(error).__mro__:
        if kind is Exception:
            return None
        mapped = TABLE.get(f"{kind.__module__}.{kind.__qualname__}")
        if mapped is not None:
            return mapped
    return None


def has_code(error: BaseException | None, code: str) -> bool:
    """Return whether OSS responded with this error code."""
    return getattr(error, "code", None) == code


def status_of(error: Exception) -> int:
    """Return the HTTP status of the response, or a negative number if there was none."""
    status = getattr(error, "status", -1)
    return status if isinstance(status, int) else -1


def _is_bare_404(error: Exception) -> bool:
    """Return whether it is a 404 without an error code, as some proxies produce for a HEAD request."""
    return status_of(error) == HTTPStatus.NOT_FOUND and not getattr(error, "code", "")


def _is_temporary(error: Exception) -> bool:
    return status_of(error) >= _MIN_RETRYABLE_STATUS or status_of(error) == HTTPStatus.TOO_MANY_REQUESTS


def _reason(error: Any) -> Message | str:
    """Return OSS's own message, or only the exception's type, since its text may contain URLs."""
    if isinstance(error, UpstreamNotAllowed):
        return error.advice
    if status_of(error) > 0:
        details = ": ".join(part for part in (error.code, error.message) if part)
        return f"{error.status} {details}".strip()[:_MAX_MESSAGE_CHARS]
    inner = getattr(error, "exception", None) or error
    return OssCode.NO_USABLE_RESPONSE(kind=type(inner).__name__)
