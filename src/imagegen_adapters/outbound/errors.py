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


class TransportCode(MessageCode):
    """What became of a call, or of a download, on its way."""

    NOT_CONNECTED = "{host} could not be connected to", "无法连接 {host}"
    NOT_CONNECTED_IN_TIME = "{host} did not take the connection in time", "{host} 未及时接受连接"
    NO_FREE_CONNECTION = "{host} had no free connection in time", "{host} 一直没有空闲的连接"
    NOT_REACHED_BY_PROXY = "{host} could not be reached through the proxy", "无法通过代理到达 {host}"
    REQUEST_NOT_BUILT = (
        "{host} was not called: the request could not be built",
        "未调用 {host}：无法构造请求",
    )
    NOT_ANSWERED = "{host} did not answer in time", "{host} 未及时答复"
    REQUEST_NOT_TAKEN = "{host} did not take the request in time", "{host} 未及时接收请求"
    CONNECTION_CUT = "{host} broke off the connection", "{host} 中断了连接"
    RESPONSE_CUT = "{host} broke off its response, or it was not HTTP", "{host} 中断了答复，或答复不是 HTTP"
    ANSWERED_WITH_ERROR = "{host} answered with an error", "{host} 答复了错误"
    BODY_NOT_DECODED = "{host} sent a body that cannot be decoded", "{host} 发来的内容无法解码"
    REDIRECTED_TOO_OFTEN = "{host} redirected too often", "{host} 重定向次数过多"
    RESPONSE_MISREAD = "{host} sent a response that was read in a wrong way", "{host} 的答复读取方式有误"
    TRANSPORT_BECAUSE = "{reason} ({detail})", "{reason}（{detail}）"
    THE_PROVIDER = "the provider", "服务商"
    CONNECTION_REFUSED = "connection refused", "连接被拒绝"
    CONNECTION_RESET = "connection reset", "连接被重置"
    NO_ROUTE_TO_HOST = "no route to the host", "没有到主机的路由"
    NO_ROUTE_TO_NETWORK = "no route to the network", "没有到该网络的路由"
    CERTIFICATE = "certificate: {detail}", "证书：{detail}"
    TLS = "TLS: {detail}", "TLS：{detail}"
    TLS_FAILED = "TLS: failed", "TLS：失败"
    NAME_NOT_RESOLVED = "its name does not resolve", "域名无法解析"
    NAME_TOO_SLOW = "its name was not looked up in time", "域名未及时解析"
    CALL_ADDRESS_NOT_ALLOWED = "address not allowed: {reason}", "不允许访问该地址：{reason}"
    PROXY_NOT_HTTP = "extra_config.proxy must be an http(s) URL", "extra_config.proxy 须为 http(s) URL"
    ORIGIN_NOT_HTTP = "the provider's address is not an http(s) URL", "服务商的地址不是 http(s) URL"


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
