"""Spreads the beginnings of many requests over many turns of the event loop."""

import asyncio
from collections import deque

STARTS_PER_TURN = 8
"""Each costs some 0.3 ms until it waits for something for the first time."""


class StartTurns:
    """The requests that wait to begin, first come, first served.

    A turn of the event loop serves whatever is ready. Five hundred requests that come at the same moment
    would be one long turn, which everybody else waits for.
    """

    def __init__(self) -> None:
        self._room = STARTS_PER_TURN
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def begin(self) -> None:
        """Return at once if few have begun in this turn of the event loop, else in a later one."""
        loop = asyncio.get_running_loop()
        if self._room == STARTS_PER_TURN:
            loop.call_soon(self._turn)
        if self._room > 0:
            self._room -= 1
            return
        waiting = loop.create_future()
        self._waiting.append(waiting)
        await waiting

    def _turn(self) -> None:
        self._room = STARTS_PER_TURN
        while self._room > 0 and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._room -= 1
        if self._room < STARTS_PER_TURN:
            asyncio.get_running_loop().call_soon(self._turn)
