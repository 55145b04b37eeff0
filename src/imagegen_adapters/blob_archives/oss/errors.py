"""From what oss2, requests and urllib3 raise to the three errors of the port, by one table."""

import contextlib
from collections.abc import Iterator
from typing import Any

from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    StorageError,
    StorageUnreachable,
    UpstreamNotAllowed,
)

_MIN_RETRYABLE_STATUS = 500
_TOO_MANY_REQUESTS = 429
_MAX_MESSAGE_CHARS = 300

# Names, since none of these libraries is imported before it is needed. Of an exception's classes the most
# special one that has a row counts; `exceptions_of` in the tests sees to it that each has one.
TABLE: dict[str, type[ImagegenError]] = {
    "oss2.exceptions.NoSuchKey": BlobMissing,
    "oss2.exceptions.NotFound": StorageError,  # the bucket, an upload, a configuration; see _bare_404
    "oss2.exceptions.ServerError": StorageError,  # 5xx and 429: see _is_temporary
    "oss2.exceptions.ClientError": StorageError,
    "oss2.exceptions.InconsistentError": StorageError,
    "oss2.exceptions.OpenApiFormatError": StorageError,
    "oss2.exceptions.OpenApiServerError": StorageError,
    "oss2.exceptions.SelectOperationClientError": StorageError,
    "oss2.exceptions.RequestError": StorageUnreachable,  # judged by the exception inside
    "requests.exceptions.TooManyRedirects": StorageError,
    "requests.exceptions.InvalidURL": StorageError,
    "requests.exceptions.URLRequired": StorageError,
    "requests.exceptions.MissingSchema": StorageError,
    "requests.exceptions.InvalidSchema": StorageError,
    "requests.exceptions.InvalidHeader": StorageError,
    "requests.exceptions.UnrewindableBodyError": StorageError,
    "requests.exceptions.StreamConsumedError": StorageError,
    "requests.exceptions.JSONDecodeError": StorageError,
    "requests.exceptions.RequestException": StorageUnreachable,  # no connection, cut, silent
    "urllib3.exceptions.LocationValueError": StorageError,
    "urllib3.exceptions.ProxySchemeUnsupported": StorageError,
    "urllib3.exceptions.HTTPError": StorageUnreachable,
    "imagegen_core.errors.UpstreamNotAllowed": StorageError,
    # An answer that is no OSS answer: a captive portal, another product's endpoint.
    "xml.etree.ElementTree.ParseError": StorageError,
    "builtins.RuntimeError": StorageError,
    "builtins.ValueError": StorageError,
    "builtins.AttributeError": StorageError,
    "builtins.OSError": StorageUnreachable,
}


@contextlib.contextmanager
def storage_errors(key: str) -> Iterator[None]:
    """Translate what is raised inside; our own errors, and what has no row, pass."""
    try:
        yield
    except Exception as error:
        translated = translate(error, key)
        if translated is None:
            raise
        raise translated from error


def translate(error: Exception, key: str) -> ImagegenError | None:
    """Return the port's error for a foreign one, or None when it is not one that we know."""
    inner = getattr(error, "exception", None)
    known = mapped_error(inner) if isinstance(inner, Exception) else None
    kind = known or mapped_error(error)
    if kind is None:
        return None
    if kind is BlobMissing or _is_bare_404(error):
        return BlobMissing(key)
    if _is_temporary(error):
        kind = StorageUnreachable
    return kind(f"OSS: {_reason(error)}")


def mapped_error(error: Exception) -> type[ImagegenError] | None:
    """Return what the table says about an exception."""
    for kind in type(error).__mro__:
        if kind is Exception:
            return None
        found = TABLE.get(f"{kind.__module__}.{kind.__qualname__}")
        if found is not None:
            return found
    return None


def has_code(error: BaseException | None, code: str) -> bool:
    """Tell whether OSS answered with this error code."""
    return getattr(error, "code", None) == code


def status_of(error: Exception) -> int:
    """Return the HTTP status of OSS's answer, or a number below 0 when there was none."""
    status = getattr(error, "status", -1)
    return status if isinstance(status, int) else -1


def _is_bare_404(error: Exception) -> bool:
    """A 404 without a code: what some proxies leave of the answer to a HEAD."""
    return status_of(error) == 404 and not getattr(error, "code", "")  # noqa: PLR2004 - HTTP


def _is_temporary(error: Exception) -> bool:
    return status_of(error) >= _MIN_RETRYABLE_STATUS or status_of(error) == _TOO_MANY_REQUESTS


def _reason(error: Any) -> str:
    """Return what may be shown: OSS's own words, else only the kind of failure, for URLs stay inside."""
    if isinstance(error, UpstreamNotAllowed):
        return error.message
    if status_of(error) > 0:
        words = ": ".join(word for word in (error.code, error.message) if word)
        return f"{error.status} {words}".strip()[:_MAX_MESSAGE_CHARS]
    inner = getattr(error, "exception", None) or error
    return f"no usable answer ({type(inner).__name__})"
