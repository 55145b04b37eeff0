"""Everything that oss2, requests and urllib3 can raise has a row of its own kind."""

import inspect

import oss2.exceptions
import pytest
import requests.exceptions
import urllib3.exceptions

from imagegen_adapters.blob_archives.oss.errors import TABLE, mapped_error, translate
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable


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
    """A row of the table fits, more special than the built-in exceptions that some of them also are."""
    rows = [f"{above.__module__}.{above.__qualname__}" for above in kind.__mro__]
    fitting = [row for row in rows if row in TABLE]

    assert fitting
    assert not fitting[0].startswith("builtins.")
    assert TABLE[fitting[0]] is mapped_error(kind.__new__(kind))


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
def test_answers_of_oss_are_told_apart(status, code, expected):
    """Missing, refused, or away for now."""
    error = oss2.exceptions.make_exception(_Answer(status, code))

    assert expected is type(translate(error, "a.png"))


def test_an_exception_of_our_own_passes():
    """A defect is not dressed up as a failing store."""
    assert translate(KeyError("x"), "a.png") is None
    assert translate(StorageError("x"), "a.png") is None


class _Answer:
    def __init__(self, status, code):
        self.status, self.headers = status, {}
        self._body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if code else b""

    def read(self, _limit):
        return self._body
