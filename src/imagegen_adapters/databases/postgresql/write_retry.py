"""Tries a write again while the server does not answer, as during a failover, or has no room."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from imagegen_core.errors import StorageFull, StorageUnreachable

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class WriteRetry:
    """For writes that change nothing if they are made twice.

    Args:
        sleep: returns after that many seconds.
        waits: seconds between two tries; without any there is one try.
    """

    sleep: Callable[[float], Awaitable[None]]
    waits: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

    async def __call__(self, write: Callable[[], Awaitable[T]]) -> T:
        """Return what the write returns.

        Raises:
            StorageError: it was refused, or the last try failed, too.
        """
        for seconds in self.waits:
            try:
                return await write()
            except (StorageFull, StorageUnreachable):
                await self.sleep(seconds)
        return await write()


async def _no_sleep(_seconds: float) -> None:
    """Return at once."""


NO_RETRY = WriteRetry(sleep=_no_sleep, waits=())
