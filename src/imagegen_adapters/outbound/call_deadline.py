"""The time limit of one call to a provider."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from imagegen_core.running.exchange import RESPONSE_GRACE_SECONDS


class CallDeadline:
    """A deadline that starts with the first action on a connection: waiting for a slot does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at: float | None = None
        self._is_sending = False
        self._scope: asyncio.Timeout | None = None

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Learn from httpcore's trace that the call has begun, and that its first bytes are being sent."""
        if self._at is None:
            self._at = asyncio.get_running_loop().time() + self._seconds
            if self._scope is not None:
                self._scope.reschedule(self._at)
        if event.endswith("send_request_headers.started"):
            self._is_sending = True

    @contextlib.asynccontextmanager
    async def met(self) -> AsyncIterator[None]:
        """Limit what is done inside, up to the beginning of the response."""
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError as error:
            raise self.missed() from error

    @property
    def extended_at(self) -> float | None:
        """Until when the rest of a response that has begun may arrive: shortly after the deadline."""
        return None if self._at is None else self._at + RESPONSE_GRACE_SECONDS

    def missed(self) -> httpx.TimeoutException:
        """Return the httpx exception for a deadline that has passed, which says whether anything was sent."""
        kind = httpx.ReadTimeout if self._is_sending else httpx.ConnectTimeout
        return kind("the call took too long")
