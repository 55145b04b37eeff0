"""Restricts one provider's calls to its origins, and puts a time limit on each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.origins import origin_of
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.execution.arriving_responses import RESPONSE_GRACE_SECONDS


class ProviderTransport(httpx.AsyncBaseTransport):
    """Passes requests on to the shared pool, for one provider only.

    Args:
        inner: the pool; closing this transport leaves it open.
        origins: the ``scheme://host:port`` that may be called.
        seconds: limit of a call, from getting a connection slot to its last byte; a response that has begun
            by then gets `RESPONSE_GRACE_SECONDS` more.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, origins: frozenset[str], seconds: float) -> None:
        self._inner = inner
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
        deadline = _Deadline(self._limit(request))
        request.extensions = {**request.extensions, "trace": deadline.trace}
        with deadline.timeouts_mapped():
            async with asyncio.timeout(None) as scope:
                deadline.begin(scope)
                response = await self._inner.handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - true of the pool's responses
        response.stream = _Body(stream, deadline)
        return response

    def _limit(self, request: httpx.Request) -> float:
        """Return the limit: the provider's seconds, or the request's read time-out if that is longer."""
        read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        return max(self._seconds, read_timeout or 0.0)


class _Deadline:
    """A deadline that starts with the first action on a connection: waiting for a slot does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at: float | None = None
        self._is_sending = False
        self._scope: asyncio.Timeout | None = None

    def begin(self, scope: asyncio.Timeout) -> None:
        self._scope = scope

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn from httpcore's trace that the call has begun, and that its first bytes are being sent."""
        if self._at is None:
            self._at = asyncio.get_running_loop().time() + self._seconds
            if self._scope is not None:
                self._scope.reschedule(self._at)
        if event.endswith("send_request_headers.started"):
            self._is_sending = True

    @contextlib.asynccontextmanager
    async def extended(self) -> AsyncIterator[None]:
        """Allow the rest of a response that has begun to arrive until shortly after the deadline."""
        extended_at = None if self._at is None else self._at + RESPONSE_GRACE_SECONDS
        with self.timeouts_mapped():
            async with asyncio.timeout_at(extended_at):
                yield

    @contextlib.contextmanager
    def timeouts_mapped(self) -> Iterator[None]:
        """Turn a time-out into the httpx exception that says whether anything was sent."""
        try:
            yield
        except TimeoutError as error:
            kind = httpx.ReadTimeout if self._is_sending else httpx.ConnectTimeout
            raise kind("the call took too long") from error


class _Body(httpx.AsyncByteStream):
    """A body whose every chunk must arrive before the extended deadline."""

    def __init__(self, stream: httpx.AsyncByteStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        while True:
            async with self._deadline.extended():
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
