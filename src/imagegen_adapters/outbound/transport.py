"""The connection pool as an httpx transport, with limits on connections, headers and decoded bodies.

`PooledTransport` is shared by all calls; `ProviderTransport` is one provider's way into it.
"""

import asyncio
import contextlib
import select
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from functools import partial
from typing import Any, cast

import httpcore
import httpx

from imagegen_adapters.outbound.call_deadline import CallDeadline
from imagegen_adapters.outbound.connection_slots import ConnectionSlots
from imagegen_adapters.outbound.decoding import check_encoding, gunzipped
from imagegen_adapters.outbound.errors import map_to_httpx_errors
from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.origins import origin_of
from imagegen_core.errors import UpstreamNotAllowed

_MAX_UNREAD_BYTES = 256 * 1024
"""What arrives while nobody reads; the peer has to wait with more."""

_MAX_HEADER_BYTES = 32 * 1024
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PAID = "paid"
"""Request extension that marks a call which may cost money although its method is idempotent."""


class PooledTransport(httpx.AsyncBaseTransport):
    """httpcore's connections behind httpx; those of some requests serve later ones.

    When a reused idle connection breaks, the client cannot tell whether the request arrived: the server, or a
    router on the way, may have closed it just before. That is harmless for a request that may be retried;
    anything else may cost money, and gets a connection of its own (RFC 9110, 9.2.2).

    Args:
        backend: opens the connections.
        tls: the shared TLS configuration.
        slots: shared by all transports.
        proxy: the proxy to use, or None.
        check_url: checks the URL of each request before anything else; raises to refuse it.
    """

    def __init__(
        self,
        *,
        backend: httpcore.AsyncNetworkBackend,
        tls: ssl.SSLContext,
        slots: ConnectionSlots,
        proxy: httpcore.Proxy | None = None,
        check_url: Callable[[httpx.URL], None] | None = None,
    ) -> None:
        self._slots = slots
        self._check_url = check_url
        # Only makes connections; which of them are kept, the slots decide for all transports together.
        self._factory = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            proxy=proxy,
            keepalive_expiry=slots.limits.idle_seconds,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request without a deadline; see `send`."""
        return await self.send(request)

    async def send(self, request: httpx.Request, deadline: CallDeadline | None = None) -> httpx.Response:
        """Send the request; the body is streamed and decoded, each chunk by the deadline.

        Raises:
            UpstreamNotAllowed: the address must not be called.
            httpx.TransportError: as httpx's own transport.
        """
        if self._check_url is not None:
            self._check_url(request.url)
        await self._slots.acquire(request.extensions.get("timeout", {}).get("pool"))
        core_request = _to_httpcore(request)
        is_retryable = request.method in _IDEMPOTENT_METHODS and not request.extensions.get(PAID)
        route = (self, str(core_request.url.origin)) if is_retryable else None
        connection: httpcore.AsyncConnectionInterface | None = None

        async def finished(route: Hashable | None) -> None:
            self._slots.release()
            if connection is not None:
                await self._slots.end(connection, route)

        try:
            with map_to_httpx_errors():
                connection = await self._slots.begin(
                    route, partial(self._factory.create_connection, core_request.url.origin)
                )
                response = await connection.handle_async_request(core_request)
        except BaseException:  # cancelled too, the call no longer needs its slot
            await finished(None)
            raise
        body = _Body(response, deadline, partial(finished, route))
        try:
            return _to_httpx(response, body)
        except BaseException:  # whatever it was, nobody else can close the body
            await body.aclose()
            raise


class ProviderTransport(httpx.AsyncBaseTransport):
    """Restricts one provider's calls to its origins, and puts a time limit on each.

    Args:
        pool: sends the requests; closing this transport leaves it open.
        origins: the ``scheme://host:port`` that may be called.
        seconds: limit of a call, from getting a connection slot to its last byte, or the request's read
            time-out if that is longer; a response that has begun by then gets `RESPONSE_GRACE_SECONDS` more.
    """

    def __init__(self, pool: PooledTransport, *, origins: frozenset[str], seconds: float) -> None:
        self._pool = pool
        self._origins = origins
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; response and error know it.

        Raises:
            UpstreamNotAllowed: the origin is not one of the provider's.
            httpx.TransportError: as httpx's own transport.
        """
        if origin_of(request.url) not in self._origins:
            raise UpstreamNotAllowed(AddressCode.OTHER_ORIGIN(host=request.url.host))
        read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        deadline = CallDeadline(max(self._seconds, read_timeout or 0.0))
        request.extensions = {**request.extensions, "trace": deadline.trace}
        try:
            async with deadline.met():
                response = await self._pool.send(request, deadline)
        except httpx.RequestError as error:
            error.request = request  # messages name its host
            raise
        response.request = request
        return response


class _Body(httpx.AsyncByteStream):
    """The body of a response; closing it returns the connection, exactly once."""

    def __init__(
        self, response: httpcore.Response, deadline: CallDeadline | None, finished: Callable[[], Any]
    ) -> None:
        self._stream = cast("Any", response.stream)
        self._deadline = deadline
        self._finished: Callable[[], Any] | None = finished
        self.compressed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(gunzipped(self._stream) if self.compressed else self._stream)
        with map_to_httpx_errors():
            while True:
                try:
                    async with asyncio.timeout_at(self._deadline.extended_at if self._deadline else None):
                        chunk = await anext(chunks, None)
                except TimeoutError as error:
                    if self._deadline is None:
                        raise
                    raise self._deadline.missed() from error
                if chunk is None:
                    return
                yield chunk

    async def aclose(self) -> None:
        finished, self._finished = self._finished, None
        if finished is None:
            return
        try:
            with map_to_httpx_errors():
                await self._stream.aclose()
        finally:
            await finished()


class SocketStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A TCP connection, or TLS on one, straight on the event loop's transport.

    httpcore's own streams take 64 KiB at a time, and go through anyio, which doubled what a short call costs.
    """

    def __init__(self, *, is_tls: bool = False) -> None:
        self._is_tls = is_tls
        self._transport: asyncio.Transport | None = None
        self._received: deque[bytes] = deque()
        self._unread_bytes = 0
        self._is_ended = False
        self._failure: Exception | None = None
        self._readable, self._writable = asyncio.Event(), asyncio.Event()
        self._writable.set()

    @classmethod
    async def connect(cls, address: str, port: int, *, seconds: float) -> "SocketStream":
        """Return a stream to a literal address.

        Raises:
            httpcore.ConnectError: it did not accept the connection.
            httpcore.ConnectTimeout: it took too long.
        """
        with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(seconds):
                _, stream = await asyncio.get_running_loop().create_connection(cls, address, port)
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what arrived first, be it over ``max_bytes``, or what arrives next; nothing at the end."""
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            if not self._readable.is_set():
                async with asyncio.timeout(timeout):
                    await self._readable.wait()
            if self._failure is not None and not self._received:
                raise ConnectionError("the connection broke") from self._failure
        piece = self._received.popleft() if self._received else b""
        if self._unread_bytes > _MAX_UNREAD_BYTES and not self._is_closing:
            self._connected.resume_reading()
        self._unread_bytes -= len(piece)
        if not self._received and not self._is_ended:
            self._readable.clear()
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send the bytes; the last of them may still be on their way to the socket when it returns."""
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            if self._is_closing:
                raise ConnectionError("the connection is closed") from self._failure
            self._connected.write(buffer)
            if not self._writable.is_set():
                async with asyncio.timeout(timeout):
                    await self._writable.wait()

    async def aclose(self) -> None:
        """Close the connection at once; nothing that is still to be sent counts any more.

        Whoever reads from it gets an error: what was cut off must not pass for a whole response.
        """
        if not self._is_ended:
            self._failure = ConnectionAbortedError("closed on this side")
        self._connected.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "SocketStream":
        """Return the stream of a TLS connection on this one, which is closed if there can be none."""
        stream = SocketStream(is_tls=True)
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                if self._received:
                    raise _spoke_first()
                async with asyncio.timeout(timeout):
                    stream._transport = await asyncio.get_running_loop().start_tls(
                        self._connected, stream, ssl_context, server_hostname=server_hostname
                    )
        except BaseException:  # cancelled too, nobody else can close it
            self._connected.abort()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: ``ssl_object``, an address, or whether anything ``is_readable``."""
        if info == "is_readable":
            return self._readable.is_set() or self._has_unseen_bytes()
        name = {"client_addr": "sockname", "server_addr": "peername"}.get(info, info)
        return self._connected.get_extra_info(name)

    @property
    def _connected(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - `connect` and `start_tls` return connected streams
        return self._transport

    @property
    def _is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _has_unseen_bytes(self) -> bool:
        """Return whether the socket has bytes, or its end, that the event loop has not come to yet."""
        poll = select.poll()
        poll.register(self.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._unread_bytes += len(data)
        self._readable.set()
        if self._unread_bytes > _MAX_UNREAD_BYTES and not self._is_closing:
            self._connected.pause_reading()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._readable.set()
        return not self._is_tls  # what is still to be sent over TCP may be sent

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure, self._is_ended = exc or self._failure, True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


@contextlib.contextmanager
def _mapped(too_late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """Turn the event loop's exceptions into httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise too_late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


def _spoke_first() -> ssl.SSLError:
    """Return OpenSSL's error for a server that sends plain text where its part of the handshake belongs."""
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, "the server does not speak TLS")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _to_httpx(response: httpcore.Response, body: _Body) -> httpx.Response:
    """Return the response for httpx, with headers that describe the decoded body."""
    if sum(len(name) + len(value) for name, value in response.headers) > _MAX_HEADER_BYTES:
        raise httpx.RemoteProtocolError("the header of the answer is too large")
    headers = httpx.Headers(response.headers)
    body.compressed = check_encoding(headers.get("content-encoding", ""))
    if "content-encoding" in headers:
        del headers["content-encoding"]
        if body.compressed and "content-length" in headers:
            del headers["content-length"]
    return httpx.Response(response.status, headers=headers, stream=body, extensions=response.extensions)
