"""Sends a request again where its response was lost, if that cannot do anything twice."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs
import httpx

from imagegen_http.cli.connection_problems import UNSENT

GATEWAY_STATUSES = frozenset({502, 503, 504})
"""What is answered in place of a node that stops, starts or cannot be reached."""


@attrs.define
class Resender:
    """Waits ``delays`` seconds before each further attempt.

    Until the server has answered once, its address may just be wrong: then nothing is worth waiting for but
    the response to a request that may have been received.
    """

    delays: tuple[float, ...]
    _answered: bool = False

    async def __call__(
        self, send: Callable[[], Awaitable[httpx.Response]], *, safe: bool, keyed: bool
    ) -> httpx.Response:
        """Return the response; ``safe`` requests change nothing, ``keyed`` ones act once for all attempts.

        Raises:
            httpx.TransportError: there is none, after the last attempt that may be made.
        """
        for delay in self.delays:
            try:
                response = await send()
            except httpx.TransportError as error:
                unsent = isinstance(error, UNSENT)
                if not (self._answered if safe or unsent else keyed):
                    raise
            else:
                if response.status_code not in GATEWAY_STATUSES or not (keyed or (safe and self._answered)):
                    self._answered = True
                    return response
            await asyncio.sleep(delay)
        return await send()
