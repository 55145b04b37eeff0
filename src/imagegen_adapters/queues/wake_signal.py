"""Wakes workers that wait for a task to claim."""

import asyncio


class WakeSignal:
    """Stays set until the next claim, so that a task added between a claim and a wait is not missed."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Wake all waiting workers, and make the next wait return at once."""
        self._notified.set()

    def reset(self) -> None:
        """Clear the signal; call this before checking for tasks, never after."""
        self._notified.clear()

    async def wait(self, seconds: float) -> None:
        """Return on the next notification, or after the given seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        except TimeoutError:
            return
