"""Every exception of oss2, requests and urllib3 is mapped to an error of the port."""

import inspect

import oss2.exceptions
import pytest
import requests.exceptions
import urllib3.exceptions

from imagegen_adapters.blob_archives.oss.errors import TABLE, mapped_error, translate
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable, UpstreamNotAllowed
from imagegen_core.messages import upstream_text


def exceptions_of(module):
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception)
        and kind.__module__ == module.__name__
        and not issubclass(kind, Warning)
    ]


FOREIGN = [
    kind
    for module in (oss2.exceptions, requests.exceptions, urllib3.exceptions)
    for kind in exceptions_of(module)
    if kind is not oss2.exceptions.OssError  # never raised itself
]


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_foreign_exception_is_unmapped(kind):
    """A row matches, and it is more specific than the built-in exceptions that some of them derive from."""
    rows = [f"{ancestor.__module__}.{ancestor.__qualname__}" for ancestor in kind.__mro__]
    matching = [row for row in rows if row in TABLE]

    assert matching
    assert not matching[0].startswith("builtins.")
    assert TABLE[matching[0]] is mapped_error(kind.__new__(kind))


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "NoSuchKey", BlobMissing),
        (404, "", BlobMissing),
        (404, "NoSuchBucket", StorageError),
        (403, "AccessDenied", StorageError),
        (403, "RequestTimeTooSkewed", StorageError),
        (409, "FileAlreadyExists", StorageError),
        (429, "QpsLimitExceeded", StorageUnreachable),
        (500, "InternalError", StorageUnreachable),
        (502, "", StorageUnreachable),
        (503, "ServiceUnavailable", StorageUnreachable),
    ],
)
def test_responses_of_oss_are_classified(status, code, expected):
    """As missing, refused or temporarily unreachable."""
    error = oss2.exceptions.make_exception(_Response(status, code))

    assert expected is type(translate(error, "a.png"))


def test_an_endpoint_that_is_not_allowed_is_a_failing_store():
    """Our own client refuses it; the table names that refusal as it names what is foreign."""
    error = UpstreamNotAllowed(upstream_text("a private address"))

    assert StorageError is type(translate(error, "a.png"))


def test_our_own_exceptions_pass_through():
    """A defect is not reported as a failing store."""
    assert translate(KeyError("x"), "a.png") is None
    assert translate(StorageError("x"), "a.png") is None


class _Response:
    def __init__(self, status, code):
        self.status, self.headers = status, {}
        self._body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if code else b""

    def read(self, _limit):
        return self._body
