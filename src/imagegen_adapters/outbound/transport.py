"""The connection pool as an httpx transport, with limits on connections, headers and decoded bodies.

`PooledTransport` is shared by all calls; `ProviderTransport` is one provider's way into it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Hashable
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
