"""What keeps one provider's calls at home: its origins, and an end to every call."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from imagegen_adapters.outbound.origins import origin_of
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.execution.arriving_responses import RESPONSE_GRACE_SECONDS


class ProviderTransport(httpx.AsyncBaseTransport):
    """Passes requests on to the shared pool, for one provider only.

    Args:
        inner: the pool; closing this transport leaves it open.
        origins: ``scheme://host:port`` of what may be called.
        seconds: that a call may take, from the moment it has a connection slot to its last byte; an answer
            that has begun to arrive by then has `RESPONSE_GRACE_SECONDS` more.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, origins: frozenset[str], seconds: float) -> None:
        self._inner = inner
        self._origins = origins
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request.

        Raises:
            UpstreamNotAllowed: another origin than the provider's.
            httpx.TransportError: as httpx's own transport.
        """
        if origin_of(request.url) not in self._origins:
            raise UpstreamNotAllowed(f"{request.url.host} is not the provider's own origin")
        deadline = _Deadline(self._limit(request))
        request.extensions = {**request.extensions, "trace": deadline.trace}
        with deadline.timeouts_mapped():
            async with asyncio.timeout(None) as scope:
                deadline.begin(scope)
                answer = await self._inner.handle_async_request(request)
        stream = answer.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - the pool's always is
        answer.stream = _Body(stream, deadline)
        return answer

    def _limit(self, request: httpx.Request) -> float:
        """Return the seconds: the request's own patience counts where it is longer than the provider's."""
        own: float | None = request.extensions.get("timeout", {}).get("read")
        return max(self._seconds, own or 0.0)


class _Deadline:
    """Counts from the first act of the connection, so waiting for a slot takes nothing from the call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at: float | None = None
        self._sent = False
        self._scope: asyncio.Timeout | None = None

    def begin(self, scope: asyncio.Timeout) -> None:
        self._scope = scope

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn from httpcore's trace that the call has begun, and that its first bytes are leaving."""
        if self._at is None:
            self._at = asyncio.get_running_loop().time() + self._seconds
            if self._scope is not None:
                self._scope.reschedule(self._at)
        if event.endswith("send_request_headers.started"):
            self._sent = True

    @contextlib.asynccontextmanager
    async def extended(self) -> AsyncIterator[None]:
        """Let the rest of an answer that arrives come until a little after the deadline."""
        end = None if self._at is None else self._at + RESPONSE_GRACE_SECONDS
        with self.timeouts_mapped():
            async with asyncio.timeout_at(end):
                yield

    @contextlib.contextmanager
    def timeouts_mapped(self) -> Iterator[None]:
        """Turn the end of the time into the exception that tells whether anything was sent."""
        try:
            yield
        except TimeoutError as error:
            kind = httpx.ReadTimeout if self._sent else httpx.ConnectTimeout
            raise kind("the call took too long") from error


class _Body(httpx.AsyncByteStream):
    """A body of which each chunk must come before the deadline that is meant for it."""

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
