"""Every way of not getting a response has a sentence."""

import socket
import ssl

import httpx
import pytest

from imagegen_http.cli.connection_problems import connection_problem
from imagegen_http.cli.messages import ConnectionCode

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
    ("cause", "code"),
    [
        (socket.gaierror(-2, "unknown"), ConnectionCode.NAME_UNKNOWN),
        (ConnectionRefusedError(), ConnectionCode.REFUSED),
        (ExceptionGroup("both", [OSError(), ConnectionRefusedError()]), ConnectionCode.REFUSED),
        (OSError("no route"), ConnectionCode.NO_CONNECTION),
    ],
)
def test_the_cause_of_a_failed_connection_decides(cause, code):
    """However deep it lies."""
    error = caused(httpx.ConnectError("all failed"), caused(OSError(), cause))

    assert code == connection_problem(error).code


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
    assert connection_problem(kind("what the library says")).code in ConnectionCode
