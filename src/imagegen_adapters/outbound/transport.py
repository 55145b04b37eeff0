"""The connection pool as an httpx transport, with limits on connections, headers and decoded bodies.

`PooledTransport` is shared by all calls; `ProviderTransport` is one provider's way into it.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpcore
import httpx

from imagegen_adapters.outbound.call_deadline import CallDeadline
from imagegen_adapters.outbound.connection_slots import ConnectionSlots, close_surplus, is_idle
from imagegen_adapters.outbound.decoding import check_encoding, gunzipped
from imagegen_adapters.outbound.errors import map_to_httpx_errors
from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.origins import origin_of
from imagegen_core.errors import UpstreamNotAllowed

_log = logging.getLogger(__name__)

_MAX_HEADER_BYTES = 32 * 1024
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PAID = "paid"
"""Request extension that marks a call which may cost money although its method is idempotent."""

_READ_BYTES = 256 * 1024


class PooledTransport(httpx.AsyncBaseTransport):
    """An httpcore pool behind httpx, and a second pool whose connections serve one request each.

    When a reused idle connection breaks, the client cannot tell whether the request arrived: the server, or a
    router on the way, may have closed it just before. That is harmless for a request that may be retried;
    anything else may cost money, and gets a connection of its own (RFC 9110, 9.2.2).

    Args:
        backend: opens the connections.
        tls: the shared TLS configuration.
        slots: shared by all pools.
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

        def pool(max_idle: int) -> httpcore.AsyncConnectionPool:
            return httpcore.AsyncConnectionPool(
                ssl_context=tls,
                proxy=proxy,
                max_connections=slots.limits.connections,
                max_keepalive_connections=max_idle,
                keepalive_expiry=slots.limits.idle_seconds,
                network_backend=backend,
            )

        self._pool, self._single_use_pool = pool(slots.limits.connections), pool(0)
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._sweep_task: asyncio.Task[None] | None = None
        slots.pools += self._pool, self._single_use_pool

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
        is_retryable = request.method in _IDEMPOTENT_METHODS and not request.extensions.get(PAID)
        pool = self._pool if is_retryable else self._single_use_pool
        try:
            await self._slots.make_room(pool)
            with map_to_httpx_errors():
                response = await pool.handle_async_request(_to_httpcore(request))
        except BaseException:  # cancelled too, the call no longer needs its slot
            self._slots.release()
            self._schedule_sweep()
            raise
        body = _Body(response, deadline, lambda: self._finished(_origin(request.url)))
        try:
            return _to_httpx(response, body)
        except BaseException:  # whatever it was, nobody else can close the body
            await body.aclose()
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        if self._sweep_task is not None:
            self._sweep_task.cancel()
        await self._pool.aclose()
        await self._single_use_pool.aclose()

    async def _finished(self, origin: httpcore.Origin) -> None:
        """Release the slot, and close idle connections to this origin above the limit."""
        self._slots.release()
        self._schedule_sweep()

        def surplus() -> list[httpcore.AsyncConnectionInterface]:
            idle = [c for c in self._pool.connections if c.can_handle_request(origin) and is_idle(c)]
            return idle[self._slots.limits.idle_per_host :]

        await close_surplus(surplus)

    def _schedule_sweep(self) -> None:
        """Close expired connections after a while: httpcore does so only when the next request comes."""
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        loop = asyncio.get_running_loop()
        self._sweep_timer = loop.call_later(
            self._slots.limits.idle_seconds * 1.02 + 0.01, self._start_sweeping
        )

    def _start_sweeping(self) -> None:
        self._sweep_task = asyncio.get_running_loop().create_task(self._close_expired())

    async def _close_expired(self) -> None:
        for connection in self._pool.connections:
            if connection.is_idle() and connection.has_expired():
                try:
                    await connection.aclose()
                except Exception:  # noqa: BLE001 - logged; it is being discarded
                    _log.debug("an idle connection could not be closed", exc_info=True)
        if any(not connection.is_closed() for connection in self._pool.connections):
            self._schedule_sweep()


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
        """Send the request.

        Raises:
            UpstreamNotAllowed: the origin is not one of the provider's.
            httpx.TransportError: as httpx's own transport.
        """
        if origin_of(request.url) not in self._origins:
            raise UpstreamNotAllowed(AddressCode.OTHER_ORIGIN(host=request.url.host))
        read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        deadline = CallDeadline(max(self._seconds, read_timeout or 0.0))
        request.extensions = {**request.extensions, "trace": deadline.trace}
        async with deadline.met():
            return await self._pool.send(request, deadline)


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
                async with contextlib.nullcontext() if self._deadline is None else self._deadline.extended():
                    chunk = await anext(chunks, None)
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


class LargeReadStream(httpcore.AsyncNetworkStream):
    """Reads as much at once as asyncio takes from a socket.

    httpcore asks for 64 KiB at a time. The cost of a piece does not depend on its length, so large images
    arrive twice as fast in larger pieces.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max(max_bytes, _READ_BYTES), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return LargeReadStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _origin(url: httpx.URL) -> httpcore.Origin:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/").origin


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
