"""What S3 answers becomes an error of the port, and nothing of a server's own words is passed on."""

import ssl

import httpcore2
import pytest

from imagegen_adapters.archives.bucket import Answer
from imagegen_adapters.archives.s3 import CODES, STATUSES, S3BlobArchive
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable


def answer(status, code="", more=""):
    """Return an answer with an error in the form of S3, or without one."""
    body = f"<Error><Code>{code}</Code><Message>{more}</Message></Error>" if code else ""
    return Answer(status=status, headers={}, content=body.encode())


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [400, 403, 404, 503])
def test_the_code_decides_before_the_status(code, status):
    """Servers do not agree on the status."""
    error = S3BlobArchive.refusal(answer(status, code, "own words"), "a.png")

    assert CODES[code][0] is type(error)
    assert code in str(error)
    assert "own words" not in str(error)


@pytest.mark.parametrize("status", [*STATUSES, 400, 405, 409, 416, 500, 502, 504])
def test_a_status_without_a_code_decides(status):
    """What is a matter of time is unreachable, everything else is refused."""
    expected = StorageUnreachable if status in (408, 429, 500, 502, 503, 504) else StorageError

    assert expected is type(S3BlobArchive.refusal(answer(status), "a.png"))


def test_an_unknown_code_is_not_quoted():
    """A server could put anything there."""
    assert "S3: the request was refused (400)" == str(
        S3BlobArchive.refusal(answer(400, "AKIASECRET"), "a.png")
    )


@pytest.mark.parametrize("code", ["", "NoSuchKey"])
def test_a_missing_object_is_a_missing_blob(code):
    """Under its key."""
    error = S3BlobArchive.refusal(answer(404, code), "a.png")

    assert (BlobMissing, "a.png") == (type(error), error.key)


def test_a_document_that_defines_entities_is_not_read():
    """A few lines of it could become gigabytes."""
    bomb = b'<!DOCTYPE a [<!ENTITY b "SlowDown">]><Error><Code>&b;</Code></Error>'

    assert "" == Answer(status=400, headers={}, content=bomb).text("Code")


@pytest.mark.parametrize(
    ("error", "is_begun", "expected"),
    [
        (httpcore2.ConnectError(), False, "no answer"),
        (httpcore2.RemoteProtocolError(), False, "no answer"),
        (httpcore2.ConnectTimeout(), False, "in time"),
        (httpcore2.ReadTimeout(), True, "in time"),
        (httpcore2.ReadError(), True, "too early"),
        (httpcore2.RemoteProtocolError(), True, "too early"),
        (ConnectionResetError(), True, "too early"),
    ],
)
def test_a_failure_of_the_network_is_unreachable(error, is_begun, expected):
    """It may work later."""
    assert expected in str(S3BlobArchive.unreachable(error, is_begun=is_begun))


def test_a_certificate_that_is_not_known_to_be_wrong_in_any_way_is_not_valid():
    """The reason is behind the error of the connection."""
    error = httpcore2.ConnectError()
    error.__context__ = ssl.SSLCertVerificationError()
    error.__context__.verify_code = 1

    assert "S3: the endpoint's certificate is not valid" == str(
        S3BlobArchive.unreachable(error, is_begun=False)
    )
