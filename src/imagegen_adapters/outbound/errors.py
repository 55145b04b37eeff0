"""What each transport failure means for the call, as one table."""

import errno
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType

import attrs
import httpcore2
import httpx

from imagegen_adapters.outbound.addresses import NameLookupTimeout, NameNotResolved
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed
from imagegen_core.messages import Message, MessageCode


class TransportCode(MessageCode, words="imagegen_adapters"):
    """What happened to a call or a download in transit."""


@attrs.frozen
class TransportFailure:
    """A row of the table; ``words`` take the name of the host."""

    code: FailureCode
    words: TransportCode
    not_started: bool = False


def _not_sent(words: TransportCode) -> TransportFailure:
    return TransportFailure(FailureCode.UNAVAILABLE, words, not_started=True)


_CONNECTION_LOST = TransportFailure(FailureCode.OUTCOME_UNKNOWN, TransportCode.CONNECTION_CUT)
_DEFECT = TransportFailure(FailureCode.INTERNAL, TransportCode.REQUEST_NOT_BUILT)
_MISREAD = TransportFailure(FailureCode.INTERNAL, TransportCode.RESPONSE_MISREAD)
_TOO_SLOW = TransportFailure(FailureCode.TIMEOUT, TransportCode.NOT_ANSWERED)

TRANSPORT_FAILURES: Mapping[type[Exception], TransportFailure] = MappingProxyType(
    {
        # No request was sent.
        httpx.ConnectError: _not_sent(TransportCode.NOT_CONNECTED),
        httpx.ConnectTimeout: _not_sent(TransportCode.NOT_CONNECTED_IN_TIME),
        httpx.PoolTimeout: _not_sent(TransportCode.NO_FREE_CONNECTION),
        httpx.ProxyError: _not_sent(TransportCode.NOT_REACHED_BY_PROXY),
        **dict.fromkeys((httpx.UnsupportedProtocol, httpx.InvalidURL), _DEFECT),
        **dict.fromkeys((httpx.LocalProtocolError, httpx.CookieConflict), _DEFECT),
        # The request may have arrived: its outcome is unknown.
        **dict.fromkeys((httpx.ReadTimeout, TimeoutError, httpx.TimeoutException), _TOO_SLOW),
        httpx.WriteTimeout: TransportFailure(FailureCode.OUTCOME_UNKNOWN, TransportCode.REQUEST_NOT_TAKEN),
        httpx.RemoteProtocolError: attrs.evolve(_CONNECTION_LOST, words=TransportCode.RESPONSE_CUT),
        httpx.HTTPStatusError: attrs.evolve(_CONNECTION_LOST, words=TransportCode.ANSWERED_WITH_ERROR),
        **dict.fromkeys((httpx.ReadError, httpx.WriteError, httpx.CloseError), _CONNECTION_LOST),
        **dict.fromkeys((httpx.NetworkError, httpx.ProtocolError, httpx.TransportError), _CONNECTION_LOST),
        **dict.fromkeys((httpx.RequestError, httpx.HTTPError), _CONNECTION_LOST),
        # A response arrived, but it is unusable.
        httpx.DecodingError: TransportFailure(FailureCode.BAD_RESPONSE, TransportCode.BODY_NOT_DECODED),
        httpx.TooManyRedirects: TransportFailure(
            FailureCode.BAD_RESPONSE, TransportCode.REDIRECTED_TOO_OFTEN
        ),
        **dict.fromkeys((httpx.StreamConsumed, httpx.StreamClosed, httpx.StreamError), _MISREAD),
        **dict.fromkeys((httpx.ResponseNotRead, httpx.RequestNotRead), _MISREAD),
    }
)


@contextmanager
def map_to_httpx_errors() -> Iterator[None]:
    """Turn httpcore2's exceptions, and the socket errors it lets through, into httpx's of the same name."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise httpx.ReadError("the connection broke") from error
    except Exception as error:  # raised again unless it is httpcore2's
        for kind in type(error).__mro__:
            if getattr(httpcore2, kind.__name__, None) is kind and hasattr(httpx, kind.__name__):
                raise getattr(httpx, kind.__name__)(str(error)) from error
        raise


@contextmanager
def map_transport_errors() -> Iterator[None]:
    """Turn httpx exceptions raised inside into a `CallError`; all others propagate unchanged.

    Messages name only the host: those of httpx may contain header values and whole URLs. A forbidden address
    becomes ``provider_not_configured``, since only the operator can correct it.
    """
    try:
        yield
    except UpstreamNotAllowed as error:
        reason = TransportCode.CALL_ADDRESS_NOT_ALLOWED(reason=error.advice)
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, reason) from error
    except tuple(TRANSPORT_FAILURES) as error:
        raise call_error(error) from error


def is_transport_error(error: CallError) -> bool:
    """Whether the error comes from the transport, and says nothing about the provider's view."""
    return (
        isinstance(error.__cause__, tuple(TRANSPORT_FAILURES))
        and error.failure.code is not FailureCode.INTERNAL
    )


def call_error(error: Exception) -> CallError:
    """Return the `CallError` for an exception in the table, or for a subclass of one."""
    meaning = next(TRANSPORT_FAILURES[kind] for kind in type(error).__mro__ if kind in TRANSPORT_FAILURES)
    host: Message | str = TransportCode.THE_PROVIDER()
    cause: BaseException | None = error
    detail: Message | None = None
    if isinstance(error, httpx.HTTPError):
        with suppress(RuntimeError):  # httpx did not attach the request
            host = error.request.url.host
    reason = meaning.words(host=host)
    while cause is not None and detail is None:
        detail, cause = _detail_of(cause), cause.__cause__ or cause.__context__
    if detail is not None:
        reason = TransportCode.TRANSPORT_BECAUSE(reason=reason, detail=detail)
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    return CallError(meaning.code, reason, not_started=meaning.not_started, upstream_status=status)


_REASONS: Mapping[int | None, TransportCode] = MappingProxyType(
    {
        errno.ECONNREFUSED: TransportCode.CONNECTION_REFUSED,
        errno.ECONNRESET: TransportCode.CONNECTION_RESET,
        errno.EHOSTUNREACH: TransportCode.NO_ROUTE_TO_HOST,
        errno.ENETUNREACH: TransportCode.NO_ROUTE_TO_NETWORK,
    }
)


def _detail_of(error: BaseException) -> Message | None:
    """Return why the connection failed: each cause has a different remedy."""
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
