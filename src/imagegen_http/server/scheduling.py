"""Spreads the reads and the starts of many requests over many iterations of the event loop.

One iteration serves whatever is ready. Five hundred callers at the same moment would make one long iteration,
for which everybody else would wait: 500 lists that start at once take a turn of 100 ms, eight of them 2 ms.
"""

import asyncio
from collections import deque

from uvicorn.protocols.http.flow_control import FlowControl

MAX_READS_PER_ITERATION = 8
"""Waiting connections that are read in one iteration; each read costs up to a millisecond of work."""


class ScheduledFlowControl(FlowControl):
    """uvicorn's flow control, which also pauses a connection until the scheduler resumes it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_deferred = False

    def defer_reading(self) -> None:
        self._is_deferred = True
        self._transport.pause_reading()

    def allow_reading(self) -> None:
        """Resume reading, unless uvicorn has paused it."""
        self._is_deferred = False
        if not self.read_paused:
            self._transport.resume_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless the scheduler has deferred it."""
        self.read_paused = False
        if not self._is_deferred:
            self._transport.resume_reading()


class ReadScheduler:
    """A first-come, first-served queue of the connections that wait to be read."""

    def __init__(self) -> None:
        self._waiting: deque[ScheduledFlowControl] = deque()

    def wait(self, flow: ScheduledFlowControl) -> None:
        """Read from a connection in a later iteration of the event loop."""
        flow.defer_reading()
        self._waiting.append(flow)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        served = [self._waiting[n] for n in range(min(MAX_READS_PER_ITERATION, len(self._waiting)))]
        for flow in served:
            flow.allow_reading()
        for _ in served:
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._serve)


MAX_STARTS_PER_ITERATION = 8
"""Each start costs some 0.3 ms until the request waits for something for the first time."""


class StartScheduler:
    """A first-come, first-served queue of the requests that wait to start."""

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
