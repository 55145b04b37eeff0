"""What each transport failure means for the call, as one table."""

import errno
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import attrs
import httpx

from imagegen_adapters.outbound.name_lookups import NameLookupTimeout, NameNotResolved
from imagegen_core.errors import CallError, UpstreamNotAllowed
from imagegen_core.failures import FailureCode


@attrs.frozen(kw_only=True)
class TransportFailure:
    """A row of the table; ``sentence`` follows the name of the host."""

    code: FailureCode
    sentence: str
    not_started: bool = False


_CANNOT_CONNECT = TransportFailure(
    code=FailureCode.UNAVAILABLE, sentence="could not be connected to", not_started=True
)
_CONNECTION_LOST = TransportFailure(code=FailureCode.OUTCOME_UNKNOWN, sentence="broke off the connection")
_DEFECT = TransportFailure(
    code=FailureCode.INTERNAL, sentence="was not called: the request could not be built"
)
_MISREAD = TransportFailure(code=FailureCode.INTERNAL, sentence="sent an answer that was read in a wrong way")

TRANSPORT_FAILURES: Mapping[type[Exception], TransportFailure] = MappingProxyType(
    {
        # No request was sent.
        httpx.ConnectError: _CANNOT_CONNECT,
        httpx.ConnectTimeout: attrs.evolve(_CANNOT_CONNECT, sentence="did not take the connection in time"),
        httpx.PoolTimeout: attrs.evolve(_CANNOT_CONNECT, sentence="had no free connection in time"),
        httpx.ProxyError: attrs.evolve(_CANNOT_CONNECT, sentence="could not be reached through the proxy"),
        httpx.UnsupportedProtocol: _DEFECT,
        httpx.InvalidURL: _DEFECT,
        httpx.LocalProtocolError: _DEFECT,
        httpx.CookieConflict: _DEFECT,
        # The request may have arrived: its outcome is unknown.
        httpx.ReadTimeout: TransportFailure(code=FailureCode.TIMEOUT, sentence="did not answer in time"),
        TimeoutError: TransportFailure(code=FailureCode.TIMEOUT, sentence="did not answer in time"),
        httpx.WriteTimeout: TransportFailure(
            code=FailureCode.OUTCOME_UNKNOWN, sentence="did not take the request in time"
        ),
        httpx.TimeoutException: TransportFailure(code=FailureCode.TIMEOUT, sentence="did not answer in time"),
        httpx.ReadError: _CONNECTION_LOST,
        httpx.WriteError: _CONNECTION_LOST,
        httpx.CloseError: _CONNECTION_LOST,
        httpx.NetworkError: _CONNECTION_LOST,
        httpx.RemoteProtocolError: attrs.evolve(
            _CONNECTION_LOST, sentence="broke off its answer, or it was not HTTP"
        ),
        httpx.ProtocolError: _CONNECTION_LOST,
        httpx.TransportError: _CONNECTION_LOST,
        httpx.RequestError: _CONNECTION_LOST,
        httpx.HTTPStatusError: attrs.evolve(_CONNECTION_LOST, sentence="answered with an error"),
        httpx.HTTPError: _CONNECTION_LOST,
        # A response arrived, but it is unusable.
        httpx.DecodingError: TransportFailure(
            code=FailureCode.BAD_RESPONSE, sentence="sent a body that cannot be decoded"
        ),
        httpx.TooManyRedirects: TransportFailure(
            code=FailureCode.BAD_RESPONSE, sentence="redirected too often"
        ),
        httpx.StreamConsumed: _MISREAD,
        httpx.StreamClosed: _MISREAD,
        httpx.ResponseNotRead: _MISREAD,
        httpx.RequestNotRead: _MISREAD,
        httpx.StreamError: _MISREAD,
    }
)


@contextmanager
def map_transport_errors() -> Iterator[None]:
    """Turn httpx exceptions raised inside into a `CallError`; all others propagate unchanged.

    The messages are our own and name only the host: those of httpx may contain header values and whole URLs.
    A forbidden address becomes ``provider_not_configured``, since only the operator can correct it.
    """
    try:
        yield
    except UpstreamNotAllowed as error:
        raise CallError(
            FailureCode.PROVIDER_NOT_CONFIGURED, f"address not allowed: {error.message}"
        ) from error
    except tuple(TRANSPORT_FAILURES) as error:
        raise call_error(error) from error


def is_transport_error(error: CallError) -> bool:
    """Return whether the transport caused the error, so that it says nothing about the provider's view."""
    return (
        isinstance(error.__cause__, tuple(TRANSPORT_FAILURES))
        and error.failure.code is not FailureCode.INTERNAL
    )


def call_error(error: Exception) -> CallError:
    """Return the `CallError` for an exception in the table, or for a subclass of one."""
    meaning = next(TRANSPORT_FAILURES[kind] for kind in type(error).__mro__ if kind in TRANSPORT_FAILURES)
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    return CallError(
        meaning.code,
        f"{_host(error)} {meaning.sentence}{_reason(error)}",
        not_started=meaning.not_started,
        upstream_status=status,
    )


def _host(error: Exception) -> str:
    try:
        return error.request.url.host if isinstance(error, httpx.HTTPError) else "the provider"
    except RuntimeError:  # httpx did not attach the request
        return "the provider"


_REASONS: Mapping[int | None, str] = MappingProxyType(
    {
        errno.ECONNREFUSED: "connection refused",
        errno.ECONNRESET: "connection reset",
        errno.EHOSTUNREACH: "no route to the host",
        errno.ENETUNREACH: "no route to the network",
    }
)


def _reason(error: BaseException | None) -> str:
    """Return why the connection failed, if that is known: each reason has a different remedy."""
    while error is not None:
        if text := _reason_of(error):
            return f" ({text})"
        error = error.__cause__ or error.__context__
    return ""


def _reason_of(error: BaseException) -> str | None:
    match error:
        case ssl.SSLCertVerificationError():
            return f"certificate: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {error.reason or 'failed'}"
        case NameNotResolved():
            return "its name does not resolve"
        case NameLookupTimeout():
            return "its name was not looked up in time"
        case OSError():
            return _REASONS.get(error.errno)
        case _:
            return None
