"""The connection pool as an httpx transport, with limits on connections, headers and decoded bodies."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import attrs
import httpcore
import httpx

from imagegen_adapters.outbound.decoding import check_encoding, gunzipped

_MAX_HEADER_BYTES = 32 * 1024
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PAID = "paid"
"""Request extension that marks a call which may cost money although its method is idempotent."""

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


@attrs.frozen(kw_only=True)
class PoolLimits:
    """Limits on connections.

    Args:
        connections: over all hosts and proxies together.
        idle_per_host: kept open while idle, for each origin.
        idle_seconds: after which an idle connection is closed.
        connect_seconds: for resolving a name and connecting.
    """

    connections: int = 50
    idle_per_host: int = 10
    idle_seconds: float = 30.0
    connect_seconds: float = 10.0


class ConnectionSlots:
    """Limits the calls in flight over all pools, and makes pools close idle connections for each other."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self.pools: list[httpcore.AsyncConnectionPool] = []
        self._free = asyncio.Semaphore(limits.connections)

    async def acquire(self, seconds: float | None) -> None:
        """Wait for a slot.

        Raises:
            httpx.PoolTimeout: none became free in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("all connections are in use") from error

    def release(self) -> None:
        """Give the slot to the next waiting call."""
        self._free.release()

    async def make_room(self, pool: httpcore.AsyncConnectionPool) -> None:
        """Close idle connections of other pools while the limit of all connections is reached."""

        def surplus() -> list[httpcore.AsyncConnectionInterface]:
            connections = [c for p in self.pools for c in p.connections if not c.is_closed()]
            idle = [c for p in self.pools if p is not pool for c in p.connections if _is_idle(c)]
            return idle[: max(0, len(connections) - self.limits.connections + 1)]

        await _close(surplus)


async def _close(surplus: Callable[[], list[httpcore.AsyncConnectionInterface]]) -> None:
    """Close surplus connections, counted again after each: another call may have taken one meanwhile."""
    while connections := surplus():
        await connections[0].aclose()


def _is_idle(connection: httpcore.AsyncConnectionInterface) -> bool:
    """Return whether it is open and unused; one that failed to connect counts as closed."""
    return connection.is_idle() and not connection.is_closed()


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
        """Send the request; the body is streamed and decoded.

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
        except BaseException:
            self._slots.release()
            self._schedule_sweep()
            raise
        body = _Body(response, lambda: self._finished(_origin(request.url)))
        try:
            return _to_httpx(response, body)
        except BaseException:
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
            idle = [c for c in self._pool.connections if c.can_handle_request(origin) and _is_idle(c)]
            return idle[self._slots.limits.idle_per_host :]

        await _close(surplus)

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
                with contextlib.suppress(Exception):  # it is being discarded; there is nobody to report to
                    await connection.aclose()
        if any(not connection.is_closed() for connection in self._pool.connections):
            self._schedule_sweep()


class _Body(httpx.AsyncByteStream):
    """The body of a response; closing it returns the connection, exactly once."""

    def __init__(self, response: httpcore.Response, finished: Callable[[], Any]) -> None:
        self._stream = cast("Any", response.stream)
        self._finished: Callable[[], Any] | None = finished
        self.compressed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with map_to_httpx_errors():
            if not self.compressed:
                async for chunk in self._stream:
                    yield chunk
                return
            async for piece in gunzipped(self._stream):
                yield piece

    async def aclose(self) -> None:
        finished, self._finished = self._finished, None
        if finished is None:
            return
        try:
            with map_to_httpx_errors():
                await self._stream.aclose()
        finally:
            await finished()


@contextlib.contextmanager
def map_to_httpx_errors() -> Iterator[None]:
    """Turn httpcore's exceptions, and the socket errors it lets through, into httpx's of the same name."""
    try:
        yield
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        raise httpx.ReadError("the connection broke") from error
    except Exception as error:
        for httpcore_error, httpx_error in _HTTPX_ERRORS:
            if isinstance(error, httpcore_error):
                raise httpx_error(str(error)) from error
        raise


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
