"""Holds a fake's answer at a step, so that a test can stop the service just there."""

import asyncio
import threading


class Gate:
    """Holds one request: ``stop_at("start", after=True)`` once it is served, else before.

    Attributes:
        is_reached: set while a request is held.
    """

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self._step: str | None = None
        self._after = False
        self._open = threading.Event()

    def stop_at(self, step: str, *, after: bool = False) -> None:
        """Hold the next request of that step."""
        self.is_reached.clear()
        self._open.clear()
        self._step, self._after = step, after

    def open(self) -> None:
        """Let the held request go."""
        self._open.set()

    def holds_before(self, step: str) -> bool:
        return self._step == step and not self._after

    def holds_after(self, step: str) -> bool:
        return self._step == step and self._after

    async def hold(self) -> None:
        self._step = None
        self.is_reached.set()
        await asyncio.to_thread(self._open.wait)
