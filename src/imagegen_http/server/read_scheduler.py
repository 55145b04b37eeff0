"""Spreads the reading of many connections over many turns of the event loop."""

import asyncio
from collections import deque

from uvicorn.protocols.http.flow_control import FlowControl

MAX_READS_PER_ITERATION = 8
"""How many of those that wait are read in one turn; each read costs up to a millisecond of work."""


class ScheduledFlowControl(FlowControl):
    """uvicorn's flow control, which also pauses a connection until it has its turn."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_deferred = False

    def defer_reading(self) -> None:
        """Read nothing until `allow_reading`."""
        self._is_deferred = True
        self._transport.pause_reading()

    def allow_reading(self) -> None:
        """Read again, unless uvicorn has enough for now."""
        self._is_deferred = False
        if not self.read_paused:
            self._transport.resume_reading()

    def resume_reading(self) -> None:
        """Read again, unless others come first."""
        self.read_paused = False
        if not self._is_deferred:
            self._transport.resume_reading()


class ReadScheduler:
    """The connections that wait for their turn, first come, first served.

    A turn of the event loop serves whatever is ready. Five hundred callers whose bodies come at the same
    moment would be one long turn after the other, which everybody else waits for.
    """

    def __init__(self) -> None:
        self._waiting: deque[ScheduledFlowControl] = deque()

    def wait(self, flow: ScheduledFlowControl) -> None:
        """Have a connection read in a later turn of the event loop."""
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
