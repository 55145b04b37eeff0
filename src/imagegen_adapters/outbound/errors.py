"""What each transport failure means for the call, as one table."""

import errno
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import attrs
import httpcore
import httpx

from imagegen_adapters.outbound.addresses import NameLookupTimeout, NameNotResolved
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed
from imagegen_core.messages import Message, MessageCode


class TransportCode(MessageCode, words="imagegen_adapters"):
    """What became of a call, or of a download, on its way."""


@attrs.frozen(kw_only=True)
class TransportFailure:
    """A row of the table; ``words`` take the name of the host."""

    code: FailureCode
    words: TransportCode
    not_started: bool = False


_CANNOT_CONNECT = TransportFailure(
    code=FailureCode.UNAVAILABLE, words=TransportCode.NOT_CONNECTED, not_started=True
)
_CONNECTION_LOST = TransportFailure(code=FailureCode.OUTCOME_UNKNOWN, words=TransportCode.CONNECTION_CUT)
_DEFECT = TransportFailure(code=FailureCode.INTERNAL, words=TransportCode.REQUEST_NOT_BUILT)
_MISREAD = TransportFailure(code=FailureCode.INTERNAL, words=TransportCode.RESPONSE_MISREAD)

TRANSPORT_FAILURES: Mapping[type[Exception], TransportFailure] = MappingProxyType(
    {
        # No request was sent.
        httpx.ConnectError: _CANNOT_CONNECT,
        httpx.ConnectTimeout: attrs.evolve(_CANNOT_CONNECT, words=TransportCode.NOT_CONNECTED_IN_TIME),
        httpx.PoolTimeout: attrs.evolve(_CANNOT_CONNECT, words=TransportCode.NO_FREE_CONNECTION),
        httpx.ProxyError: attrs.evolve(_CANNOT_CONNECT, words=TransportCode.NOT_REACHED_BY_PROXY),
        httpx.UnsupportedProtocol: _DEFECT,
        httpx.InvalidURL: _DEFECT,
        httpx.LocalProtocolError: _DEFECT,
        httpx.CookieConflict: _DEFECT,
        # The request may have arrived: its outcome is unknown.
        httpx.ReadTimeout: TransportFailure(code=FailureCode.TIMEOUT, words=TransportCode.NOT_ANSWERED),
        TimeoutError: TransportFailure(code=FailureCode.TIMEOUT, words=TransportCode.NOT_ANSWERED),
        httpx.WriteTimeout: TransportFailure(
            code=FailureCode.OUTCOME_UNKNOWN, words=TransportCode.REQUEST_NOT_TAKEN
        ),
        httpx.TimeoutException: TransportFailure(code=FailureCode.TIMEOUT, words=TransportCode.NOT_ANSWERED),
        httpx.ReadError: _CONNECTION_LOST,
        httpx.WriteError: _CONNECTION_LOST,
        httpx.CloseError: _CONNECTION_LOST,
        httpx.NetworkError: _CONNECTION_LOST,
        httpx.RemoteProtocolError: attrs.evolve(_CONNECTION_LOST, words=TransportCode.RESPONSE_CUT),
        httpx.ProtocolError: _CONNECTION_LOST,
        httpx.TransportError: _CONNECTION_LOST,
        httpx.RequestError: _CONNECTION_LOST,
        httpx.HTTPStatusError: attrs.evolve(_CONNECTION_LOST, words=TransportCode.ANSWERED_WITH_ERROR),
        httpx.HTTPError: _CONNECTION_LOST,
        # A response arrived, but it is unusable.
        httpx.DecodingError: TransportFailure(
            code=FailureCode.BAD_RESPONSE, words=TransportCode.BODY_NOT_DECODED
        ),
        httpx.TooManyRedirects: TransportFailure(
            code=FailureCode.BAD_RESPONSE, words=TransportCode.REDIRECTED_TOO_OFTEN
        ),
        httpx.StreamConsumed: _MISREAD,
        httpx.StreamClosed: _MISREAD,
        httpx.ResponseNotRead: _MISREAD,
        httpx.RequestNotRead: _MISREAD,
        httpx.StreamError: _MISREAD,
    }
)


_HTTPX_ERRORS = tuple(
    (getattr(httpcore, name), getattr(httpx, name))
    for name in (  # the most specific first
        "ConnectTimeout",
        "ReadTimeout",
        "WriteTimeout",
        "PoolTimeout",
        "TimeoutException",
        "ConnectError",
        "ReadError",
        "WriteError",
        "NetworkError",
        "ProxyError",
        "UnsupportedProtocol",
        "LocalProtocolError",
        "RemoteProtocolError",
        "ProtocolError",
    )
)


@contextmanager
def map_to_httpx_errors() -> Iterator[None]:
    """Turn httpcore's exceptions, and the socket errors it lets through, into httpx's of the same name."""
    try:
        yield
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        raise httpx.ReadError("the connection broke") from error
    except Exception as error:  # a table says which are converted; all others are raised again
        for httpcore_error, httpx_error in _HTTPX_ERRORS:
            if isinstance(error, httpcore_error):
                raise httpx_error(str(error)) from error
        raise


@contextmanager
def map_transport_errors() -> Iterator[None]:
    """Turn httpx exceptions raised inside into a `CallError`; all others propagate unchanged.

    The messages are our own and name only the host: those of httpx may contain header values and whole URLs.
    A forbidden address becomes ``provider_not_configured``, since only the operator can correct it.
    """
    try:
        yield
    except UpstreamNotAllowed as error:
        reason = TransportCode.CALL_ADDRESS_NOT_ALLOWED(reason=error.advice)
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, reason) from error
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
        _explained(meaning.words(host=_host(error)), error),
        not_started=meaning.not_started,
        upstream_status=status,
    )


def _host(error: Exception) -> Message | str:
    try:
        return error.request.url.host if isinstance(error, httpx.HTTPError) else TransportCode.THE_PROVIDER()
    except RuntimeError:  # httpx did not attach the request
        return TransportCode.THE_PROVIDER()


_REASONS: Mapping[int | None, TransportCode] = MappingProxyType(
    {
        errno.ECONNREFUSED: TransportCode.CONNECTION_REFUSED,
        errno.ECONNRESET: TransportCode.CONNECTION_RESET,
        errno.EHOSTUNREACH: TransportCode.NO_ROUTE_TO_HOST,
        errno.ENETUNREACH: TransportCode.NO_ROUTE_TO_NETWORK,
    }
)


def _explained(reason: Message, error: BaseException | None) -> Message:
    """Return why the connection failed, if that is known: each reason has a different remedy."""
    while error is not None:
        if detail := _detail_of(error):
            return TransportCode.TRANSPORT_BECAUSE(reason=reason, detail=detail)
        error = error.__cause__ or error.__context__
    return reason


def _detail_of(error: BaseException) -> Message | None:
    match error:
        case ssl.SSLCertVerificationError():
            return TransportCode.CERTIFICATE(detail=str(error.verify_message))
        case ssl.SSLError():
            return TransportCode.TLS(detail=error.reason) if error.reason else TransportCode.TLS_FAILED()
        case NameNotResolved():
            return TransportCode.NAME_NOT_RESOLVED()
        case NameLookupTimeout():
            return TransportCode.NAME_TOO_SLOW()
        case OSError(errno=number) if number in _REASONS:
            return _REASONS[number]()
        case _:
            return None
