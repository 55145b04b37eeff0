"""Every way of not getting a response has a sentence."""

import socket
import ssl

import httpx
import pytest

from imagegen_http.cli.context import connection_problem
from imagegen_http.cli.words import chinese_texts

ERRORS = {
    cls
    for cls in vars(httpx).values()
    if isinstance(cls, type) and issubclass(cls, httpx.HTTPError) and cls is not httpx.HTTPStatusError
}


def caused(error, cause):
    error.__cause__ = cause
    return error


def tls_error(reason):
    error = ssl.SSLError(1, "failed")
    error.reason = reason
    return error


def untrusted():
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (socket.gaierror(-2, "unknown"), "the name does not resolve"),
        (ConnectionRefusedError(), "connection refused: nothing listens there"),
        (
            ExceptionGroup("both", [OSError(), ConnectionRefusedError()]),
            "connection refused: nothing listens there",
        ),
        (OSError("no route"), "no connection: the address is not reachable"),
    ],
)
def test_the_cause_of_a_failed_connection_decides(cause, sentence):
    """However deep it lies."""
    error = caused(httpx.ConnectError("all failed"), caused(OSError(), cause))

    assert sentence == str(connection_problem(error))


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (untrusted(), "not trusted (self-signed certificate)"),
        (tls_error("WRONG_VERSION_NUMBER"), "no TLS connection (wrong version number)"),
        (tls_error(None), "no TLS connection (handshake failed)"),
    ],
)
def test_a_failed_handshake_is_told_with_its_reason(cause, sentence):
    """In words, not in constants."""
    assert sentence in str(connection_problem(caused(httpx.ConnectError("failed"), cause)))


@pytest.mark.parametrize("kind", sorted(ERRORS, key=str))
def test_each_error_of_the_library_has_a_sentence(kind):
    """Also what later versions of it add."""
    assert connection_problem(kind("what the library says")).code.en in chinese_texts()
