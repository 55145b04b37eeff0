"""Says in our own words why a server gave no response."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from imagegen_core.messages import Message
from imagegen_http.cli.messages import ConnectionCode

UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""The request has not left this machine, so that it may be sent again whatever it asks for."""

_SENTENCES: tuple[tuple[type[BaseException], ConnectionCode], ...] = (
    (socket.gaierror, ConnectionCode.NAME_UNKNOWN),
    (ConnectionRefusedError, ConnectionCode.REFUSED),
    (ssl.SSLCertVerificationError, ConnectionCode.UNTRUSTED),
    (ssl.SSLError, ConnectionCode.NO_TLS),
    (httpx.ProxyError, ConnectionCode.PROXY),
    (httpx.ConnectTimeout, ConnectionCode.NO_CONNECTION),
    (httpx.TimeoutException, ConnectionCode.NOT_IN_TIME),
    (httpx.ConnectError, ConnectionCode.NO_CONNECTION),
)
"""The first row wins that any of the causes of an error is of."""


def connection_problem(error: httpx.HTTPError) -> Message:
    """Return what a user can do something about; a connection that broke where it is nothing else."""
    causes = [*_causes(error)]
    for kind, code in _SENTENCES:
        cause = next((cause for cause in causes if isinstance(cause, kind)), None)
        if cause is not None:
            return code(detail=_detail(cause)) if code.placeholders else code()
    return ConnectionCode.BROKEN()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and whatever led to it; each address of a name may have failed in its own way."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__


def _detail(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "handshake failed").lower().replace("_", " ")
    return str(error)
