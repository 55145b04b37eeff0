"""Spreads the start of many requests over many iterations of the event loop."""

import asyncio
from collections import deque

MAX_STARTS_PER_ITERATION = 8
"""Each start costs some 0.3 ms until the request waits for something for the first time."""


class StartScheduler:
    """A first-come, first-served queue of the requests that wait to start.

    One iteration of the event loop serves whatever is ready. Five hundred requests that arrive at the same
    moment would make one long iteration, for which everybody else would wait.
    """

    def __init__(self) -> None:
        self._remaining = MAX_STARTS_PER_ITERATION
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def admit(self) -> None:
        """Return at once if few requests have started in this iteration, else in a later one."""
        loop = asyncio.get_running_loop()
        if self._remaining == MAX_STARTS_PER_ITERATION:
            loop.call_soon(self._on_next_iteration)
        if self._remaining > 0:
            self._remaining -= 1
            return
        waiting = loop.create_future()
        self._waiting.append(waiting)
        await waiting

    def _on_next_iteration(self) -> None:
        self._remaining = MAX_STARTS_PER_ITERATION
        while self._remaining > 0 and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._remaining -= 1
        if self._remaining < MAX_STARTS_PER_ITERATION:
            asyncio.get_running_loop().call_soon(self._on_next_iteration)
