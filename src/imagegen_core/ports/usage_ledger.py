"""What tasks cost, added up by quarters of an hour in the transactions in which they end."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from imagegen_core.costs import Cost, Usage


class UsageLedger(Protocol):
    """Reads what `TaskRepository` writes: a task counts once, when it ends, whatever becomes of its images.

    Quarters are those of `quarter_of`, bounds are inclusive, and None is no bound. Totals are as fast with a
    million tasks as with a thousand in as many quarters.
    """

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        """Return what the attempts of tasks cost, or may have cost, in their order.

        A task is missing whose attempts cost nothing, and so is one that does not exist.
        """
        ...

    async def span(self) -> tuple[int, int] | None:
        """Return the first and the last quarter in which a task ended; None if none has."""
        ...

    async def by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        """Return the totals from each of the quarters, in ascending order, to before the next of them."""
        ...

    async def by_provider(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        """Return the totals of each provider that was used."""
        ...

    async def by_model(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        """Return the totals of each model that was used, at whichever providers."""
        ...
