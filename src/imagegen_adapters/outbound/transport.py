"""httpcore2's pools as httpx transports, over connections to checked addresses only.

All calls share `PooledTransport`; a `ProviderTransport` is one provider's access to it.
"""

import asyncio
import collections
import contextlib
import math
import ssl
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from functools import cache
from ipaddress import ip_address
from typing import Any, Self, cast

import attrs
import httpcore2
import httpx

from imagegen_adapters.outbound.addresses import (
    AddressCode,
    AddressGate,
    IpAddress,
    NameLookups,
    NameLookupTimeout,
    NameNotResolved,
    normalized,
)
from imagegen_adapters.outbound.errors import TransportCode, map_to_httpx_errors
from imagegen_core.config import WEB_PORTS, Origin, ProviderConfig, Proxy
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed, ValidationFailed
from imagegen_core.running.exchange import RESPONSE_GRACE_SECONDS


def parse_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.ORIGIN_NOT_HTTP()) from error
    if url.scheme not in WEB_PORTS or not url.host:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.ORIGIN_NOT_HTTP())
    return url


def port_of(url: httpx.URL) -> int:
    return url.port or WEB_PORTS.get(url.scheme, 0)


def origin_of(url: httpx.URL) -> str:
    """Return ``scheme://host:port``, lower-case, the port always written."""
    return str(Origin.from_parts(url.scheme, url.raw_host.decode("ascii"), url.port))


def origins_of(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(origin_of(parse_url(address)) for address in addresses)


def proxy_of(config: ProviderConfig) -> Proxy | None:
    text = config.extra_config.get("proxy")
    try:
        return None if text in (None, "") else Proxy.parse(text)
    except ValidationFailed as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.PROXY_NOT_HTTP()) from error


def to_httpcore(proxy: Proxy) -> httpcore2.Proxy:
    auth = (proxy.user.encode(), proxy.password.encode()) if proxy.user or proxy.password else None
    try:
        url = httpx.URL(scheme=proxy.origin.scheme, host=proxy.origin.host, port=proxy.origin.port, path="/")
    except httpx.InvalidURL as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.PROXY_NOT_HTTP()) from error
    return httpcore2.Proxy(_to_httpcore_url(url), auth=auth)


def _to_httpcore_url(url: httpx.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


PIECE_BYTES = 65536
ACCEPTED = frozenset({"", "identity", "gzip", "x-gzip"})

_FREE_BYTES = 16 * 1024 * 1024
_MAX_GROWTH = 100
_GZIP = zlib.MAX_WBITS | 16


def check_encoding(encoding: str) -> bool:
    """Whether the body has to be decoded; an encoding that was not asked for is refused."""
    name = encoding.strip().lower()
    if name not in ACCEPTED:
        raise httpx.DecodingError("the body has a Content-Encoding that was not asked for")
    return name.endswith("gzip")


async def gunzipped(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield decoded chunks of at most 64 KiB; a hundredfold growth beyond 16 MiB is refused."""
    member = zlib.decompressobj(_GZIP)
    encoded_bytes = decoded_bytes = 0
    async for chunk in chunks:
        encoded_bytes += len(chunk)
        rest = chunk
        while rest:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            try:
                piece = member.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError("the body is not gzip") from error
            rest = member.unused_data if member.eof else member.unconsumed_tail
            decoded_bytes += len(piece)
            if decoded_bytes > _FREE_BYTES and decoded_bytes > _MAX_GROWTH * encoded_bytes:
                raise httpx.DecodingError("the compressed body grows out of all proportion")
            if piece:
                yield piece
    if encoded_bytes and not member.eof:
        raise httpx.RemoteProtocolError("the compressed body ends in the middle")


@attrs.define(eq=False)
class CallDeadline:
    """A deadline that starts with the first action on a connection: waiting for a slot does not count."""

    _seconds: float
    _at: float | None = None
    _is_sending: bool = False
    scope: asyncio.Timeout | None = None  # of the call up to the beginning of the response

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Note from httpcore2's trace that the call has begun, and that its first bytes are being sent."""
        if self._at is None:
            self._at = asyncio.get_running_loop().time() + self._seconds
            if self.scope is not None:
                self.scope.reschedule(self._at)
        if event.endswith("send_request_headers.started"):
            self._is_sending = True

    @property
    def extended_at(self) -> float | None:
        """The limit for the rest of a response that has begun: shortly after the deadline."""
        return None if self._at is None else self._at + RESPONSE_GRACE_SECONDS

    def timeout_error(self, request: httpx.Request | None = None) -> httpx.TimeoutException:
        """Return httpx's exception for a missed deadline; its type says whether anything was sent."""
        kind = httpx.ReadTimeout if self._is_sending else httpx.ConnectTimeout
        return kind("the call took too long", request=request)


@attrs.frozen(kw_only=True)
class PoolLimits:
    """``connections`` hold over all hosts and proxies, ``idle_connections`` for each transport."""

    connections: int = 50
    idle_connections: int = 8  # with each request httpcore2 asks each of them about all
    idle_seconds: float = 30.0
    connect_seconds: float = 10.0  # for look-up and connection together


_MAX_UNREAD_BYTES = 256 * 1024  # of a peer that sends while nobody reads


class SocketStream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """A TCP connection, or TLS on one, on the event loop's own transport.

    Through httpcore2's, which is anyio's, ``/v1/images/generations`` took an eighth more bytecodes. Closing
    never waits: a call that is cancelled while the pool closes its connection would stay in it for ever.
    """

    _transport: asyncio.Transport
    _failure: Exception | None = None
    _is_ended = False
    _unread_bytes = 0

    def __init__(self) -> None:
        self._received = collections.deque[bytes]()
        self._readable, self._writable = asyncio.Event(), asyncio.Event()
        self._writable.set()

    @classmethod
    async def connect(cls, address: IpAddress, port: int, seconds: float) -> Self:
        """Connect to an address; what answers from another one is refused."""
        try:
            async with asyncio.timeout(seconds):
                _, stream = await asyncio.get_running_loop().create_connection(cls, str(address), port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        peer = stream.get_extra_info("peername")
        if peer is not None and normalized(ip_address(peer[0])) == normalized(address):
            return stream
        await stream.aclose()
        if peer is None:
            raise httpcore2.ConnectError("the connection was closed at once")
        raise UpstreamNotAllowed(AddressCode.OTHER_ADDRESS())

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Self:
        stream, loop = type(self)(), asyncio.get_running_loop()
        try:
            if self._received:  # would pass for the beginning of an answer that came through TLS
                plain = ssl.SSLError()
                plain.reason = "WRONG_VERSION_NUMBER"  # as OpenSSL says if it comes a moment later
                raise plain
            start = loop.start_tls(self._transport, stream, ssl_context, server_hostname=server_hostname)
            async with asyncio.timeout(timeout):
                stream.connection_made(cast("asyncio.Transport", await start))
        except BaseException as error:
            self._transport.abort()
            if not isinstance(error, OSError):
                raise
            is_late = isinstance(error, TimeoutError)
            raise (httpcore2.ConnectTimeout if is_late else httpcore2.ConnectError)(str(error)) from error
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, be it over ``max_bytes``, or what arrives next; nothing at the end."""
        try:
            if not self._readable.is_set():
                async with asyncio.timeout(timeout):
                    await self._readable.wait()
            if self._failure is not None and not self._received:
                raise self._failure
        except TimeoutError as error:
            raise httpcore2.ReadTimeout from error
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error
        arrived, self._unread_bytes = b"".join(self._received), 0
        self._received.clear()
        if not self._is_ended:
            self._transport.resume_reading()
            self._readable.clear()
        return arrived

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send the bytes; the last of them may still be on their way to the socket when it returns."""
        if self._is_ended:
            raise httpcore2.WriteError("the connection is closed")
        self._transport.write(buffer)
        try:
            if not self._writable.is_set():
                async with asyncio.timeout(timeout):
                    await self._writable.wait()
        except TimeoutError as error:
            raise httpcore2.WriteTimeout from error

    async def aclose(self) -> None:
        """Close at once; whoever still reads gets an error, since what is cut off must not pass for all."""
        if not self._is_ended:
            self.connection_lost(ConnectionAbortedError("closed on this side"))
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        return self._readable.is_set() if info == "is_readable" else self._transport.get_extra_info(info)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._unread_bytes += len(data)
        self._readable.set()
        if self._unread_bytes > _MAX_UNREAD_BYTES:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure, self._is_ended = self._failure or exc, True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


_MAX_ADDRESSES = 8


@attrs.frozen(eq=False)
class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves once, has every address checked by an `AddressGate`, and connects to a checked one.

    The address replaces the name at socket level only: the Host header, SNI and certificate check keep the
    name. No second look-up can return something unchecked (DNS rebinding). ``connect_timeout`` covers look-up
    and connection, unless the request sets less.
    """

    _gate: AddressGate
    _connect_timeout: float = attrs.field(kw_only=True)
    _lookups: NameLookups = attrs.field(kw_only=True)

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> SocketStream:
        """Try the addresses in turn, each for its share of the time, but only if all pass the gate."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(self._connect_timeout, math.inf if timeout is None else timeout)
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._lookups.resolve(host, port)
        except NameNotResolved as error:
            raise httpcore2.ConnectError(str(error)) from error
        except TimeoutError:
            raise httpcore2.ConnectTimeout from NameLookupTimeout(host)
        self._gate.check_addresses(host, port, addresses)
        failure: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        for position, address in enumerate(addresses := addresses[:_MAX_ADDRESSES]):
            share = max(0.001, (deadline - loop.time()) / (len(addresses) - position))
            try:
                return await SocketStream.connect(address, port, share)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError("no address to connect to")


_MAX_HEADER_BYTES = 32 * 1024
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PAID = "paid"
"""Request extension that marks a call which may cost money although its method is idempotent."""


@cache
def public_tls() -> ssl.SSLContext:
    """Return a context that trusts certifi's certificates alone; they are read once, which takes a while."""
    return httpx.create_ssl_context(trust_env=False)


class PooledTransport(httpx.AsyncBaseTransport):
    """One of httpcore2's pools behind httpx, which keeps idle connections for requests that may be retried.

    When a reused idle connection breaks, the request may have arrived: the server, or a router on the way,
    may have closed it just before. That is harmless for a request that may be retried. Anything else may cost
    money, and gets a connection of its own (RFC 9110, 9.2.2).

    ``slots`` limits the calls in flight over all transports; ``check_url`` raises to refuse a request's URL.
    """

    def __init__(
        self,
        *,
        backend: httpcore2.AsyncNetworkBackend,
        tls: ssl.SSLContext,
        slots: asyncio.Semaphore,
        limits: PoolLimits,
        proxy: httpcore2.Proxy | None = None,
        check_url: Callable[[httpx.URL], None] | None = None,
    ) -> None:
        self._slots, self._check_url = slots, check_url
        self._unshared = set[httpcore2.AsyncConnectionInterface]()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            proxy=proxy,
            max_connections=None,
            max_keepalive_connections=limits.idle_connections,
            keepalive_expiry=limits.idle_seconds,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; the body is streamed and decoded, each chunk by the request's `CallDeadline`."""
        deadline: CallDeadline | None = request.extensions.get("deadline")
        if self._check_url is not None:
            self._check_url(request.url)
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._slots.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use") from error
        is_retryable = request.method in _IDEMPOTENT_METHODS and not request.extensions.get(PAID)
        with map_to_httpx_errors():
            async with (
                contextlib.AsyncExitStack() as closing
            ):  # whatever fails here, nobody else could close it
                closing.callback(self._slots.release)
                core_request = httpcore2.Request(
                    method=request.method,
                    url=_to_httpcore_url(request.url),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
                sender: httpcore2.AsyncConnectionPool | httpcore2.AsyncConnectionInterface = self._pool
                if not is_retryable:
                    sender = self._pool.create_connection(core_request.url.origin)
                    self._unshared.add(sender)
                    closing.callback(self._unshared.remove, sender)
                    closing.push_async_callback(sender.aclose)
                response = await sender.handle_async_request(core_request)
                closing.push_async_callback(response.aclose)
                if sum(len(name) + len(value) for name, value in response.headers) > _MAX_HEADER_BYTES:
                    raise httpx.RemoteProtocolError("the header of the answer is too large")
                headers = httpx.Headers(response.headers)
                stream = cast("AsyncIterable[bytes]", response.stream)
                if check_encoding(headers.pop("content-encoding", "")):  # headers describe the decoded body
                    headers.pop("content-length", None)
                    stream = gunzipped(stream)
                body = _Body(stream, deadline, closing.pop_all())
        return httpx.Response(response.status, headers=headers, stream=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close every connection, those of running calls as well."""
        for each in tuple(self._unshared):
            await each.aclose()
        await self._pool.aclose()


@attrs.frozen(eq=False)
class ProviderTransport(httpx.AsyncBaseTransport):
    """Restricts one provider's calls to ``origins``, and puts a time limit on each; leaves ``pool`` open.

    A call may take ``seconds``, or its longer read time-out, from getting a slot to its last byte. A response
    that has begun by then gets `RESPONSE_GRACE_SECONDS` more.
    """

    _pool: PooledTransport
    _origins: frozenset[str] = attrs.field(kw_only=True)
    _seconds: float = attrs.field(kw_only=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if origin_of(request.url) not in self._origins:
            raise UpstreamNotAllowed(AddressCode.OTHER_ORIGIN(host=request.url.host))
        read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        deadline = CallDeadline(max(self._seconds, read_timeout or 0.0))
        request.extensions = {**request.extensions, "deadline": deadline, "trace": deadline.trace}
        try:
            async with asyncio.timeout(None) as deadline.scope:
                response = await self._pool.handle_async_request(request)
        except TimeoutError as error:
            raise deadline.timeout_error(request) from error
        except httpx.RequestError as error:
            error.request = request  # messages name its host
            raise
        response.request = request
        return response


@attrs.frozen(eq=False)
class _Body(httpx.AsyncByteStream):
    """Closing it returns the connection and the slot, exactly once."""

    _chunks: AsyncIterable[bytes]
    _deadline: CallDeadline | None
    _closing: contextlib.AsyncExitStack

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._chunks)
        with map_to_httpx_errors():
            while True:
                try:
                    async with asyncio.timeout_at(self._deadline.extended_at if self._deadline else None):
                        chunk = await anext(chunks, None)
                except TimeoutError as error:
                    if self._deadline is None:
                        raise
                    raise self._deadline.timeout_error() from error
                if chunk is None:
                    return
                yield chunk

    async def aclose(self) -> None:
        with map_to_httpx_errors():
            await self._closing.aclose()
