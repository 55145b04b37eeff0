"""Equal questions at the same moment: one goes first."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class QueryGate:
    """Lets one of several equal questions go first; the others follow together when it has its answer.

    They are asked nevertheless, since something may have been written meanwhile. But what the first one left
    to be remembered makes them quick, and waiting here keeps no reader of the database from others.
    """

    def __init__(self) -> None:
        self._first: dict[Hashable, asyncio.Event] = {}

    @asynccontextmanager
    async def of(self, question: Hashable) -> AsyncIterator[None]:
        """Wait while an equal question is being answered that went first."""
        ahead = self._first.get(question)
        if ahead is not None:
            await ahead.wait()
            yield
            return
        answered = self._first[question] = asyncio.Event()
        try:
            yield
        finally:
            del self._first[question]
            answered.set()
