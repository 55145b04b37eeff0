"""What obstore raises becomes an error of the port, and nothing of a server's own words is passed on."""

import inspect

import obstore.exceptions
import pytest

from imagegen_adapters.blob_archives.s3.errors import CODES, STATUSES, translate
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable

FOREIGN = [
    kind for _, kind in inspect.getmembers(obstore.exceptions, inspect.isclass) if issubclass(kind, Exception)
]


def text_of(status, code="", more=""):
    """Return what obstore says of a response with an error."""
    body = f"<Error><Code>{code}</Code><Message>{more}</Message></Error>" if code else ""
    return (
        f"Error performing GET http://s3/b/a in 1ms - Server returned non-2xx status code: {status} X: {body}"
    )


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
def test_every_exception_becomes_one_of_the_port(kind):
    """Also without a status, and without a word of its text."""
    error = translate(kind("own words"), "a.png")

    assert isinstance(error, StorageError)
    assert "own words" not in str(error)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_the_code_decides_before_the_status(code, status):
    """Servers do not agree on the status."""
    kind = StorageError if status != 404 else FileNotFoundError

    error = translate(kind(text_of(status, code, "own words")), "a.png")

    assert CODES[code][0] is type(error)
    assert code in str(error)
    assert "own words" not in str(error)


@pytest.mark.parametrize("status", [*STATUSES, 400, 404, 405, 409, 416, 500, 502, 504])
def test_a_status_without_a_code_decides(status):
    """What is a matter of time is unreachable, everything else is refused."""
    expected = StorageUnreachable if status in (408, 429, 500, 502, 503, 504) else StorageError

    error = translate(obstore.exceptions.GenericError(text_of(status)), "a.png")

    assert expected is type(error)


def test_an_unknown_code_is_not_quoted():
    """A server could put anything there."""
    error = translate(obstore.exceptions.GenericError(text_of(400, "AKIASECRET")), "a.png")

    assert "S3: the request was refused (400)" == str(error)


@pytest.mark.parametrize("code", ["", "NoSuchKey"])
def test_a_missing_object_is_a_missing_blob(code):
    """Under its key."""
    error = translate(FileNotFoundError(text_of(404, code)), "a.png")

    assert (BlobMissing, "a.png") == (type(error), error.key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP error: error sending request", "no answer"),
        ("HTTP error: operation timed out", "in time"),
        ("HTTP error: request or response body error: error decoding response body", "too early"),
    ],
)
def test_a_failure_of_the_network_is_unreachable(text, expected):
    """It may work later."""
    error = translate(obstore.exceptions.GenericError(text), "a.png")

    assert StorageUnreachable is type(error)
    assert expected in str(error)
