"""The deadlines of a connection: for its next request, and for a client that does not read."""

import asyncio

from imagegen_http.server.connections import ConnectionLimits


class Deadlines:
    """Closes a connection whose client is late.

    Args:
        transport: the connection.
        limits: how long a head may take, and how long what was written may wait.
        keep_alive_seconds: how long the next request may take to begin.
        loop: runs the timers.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        limits: ConnectionLimits,
        *,
        keep_alive_seconds: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._keep_alive_seconds = keep_alive_seconds
        self._loop = loop
        self._head_timer: asyncio.TimerHandle | None = None
        self._keep_alive_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def start_head(self) -> None:
        """Close unless the head that has begun is complete in time; begun twice, it has no more time."""
        if self._head_timer is None:
            self.stop()
            self._head_timer = self._loop.call_later(self._limits.head_seconds, self.close)

    def start_keep_alive(self) -> None:
        """Close unless another request begins in time."""
        self._keep_alive_timer = self._loop.call_later(self._keep_alive_seconds, self.close)

    def stop(self) -> None:
        """Wait for no request any more: one is complete, or none may come."""
        for timer in (self._head_timer, self._keep_alive_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._keep_alive_timer = None

    def close(self) -> None:
        """Close once everything is written."""
        self._transport.close()
        self.start_stall()

    def start_stall(self) -> None:
        """Abort after some time, if there is something to write that the client may never read."""
        if self._stall_timer is None and self._transport.get_write_buffer_size():
            self._stall_timer = self._loop.call_later(self._limits.stall_seconds, self._transport.abort)

    def stop_stall(self) -> None:
        """Abort no more: the client reads, or is gone."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
