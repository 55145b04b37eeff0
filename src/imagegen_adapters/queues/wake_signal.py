"""Wakes whoever waits for something to claim."""

import asyncio


class WakeSignal:
    """Stays rung until the next claim, so a task that comes between a claim and a wait is not slept over."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Wake all who wait, and the next who will."""
        self._notified.set()

    def reset(self) -> None:
        """Forget the ringing; called before looking, never after."""
        self._notified.clear()

    async def wait(self, seconds: float) -> None:
        """Return when it rings, after that many seconds at the latest."""
        try:
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        except TimeoutError:
            return
