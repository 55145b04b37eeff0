"""What tasks cost, from the attempts in memory."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.attempt import Attempt, Charge, costs_of
from imagegen_core.costs import Basis, Cost, Ticks, Usage
from imagegen_core.task import Task
from imagegen_core.values import quarter_of


class MemoryUsageLedger:
    """Adds up the tasks of ``state`` that have ended."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        costs = {task_id: costs_of(self._attempts(task_id)) for task_id in task_ids}
        return {task_id: parts for task_id, parts in costs.items() if parts}

    async def span(self) -> tuple[int, int] | None:
        quarters = [quarter for quarter, _ in self._ended(None, None)]
        return (min(quarters), max(quarters)) if quarters else None

    async def by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        return tuple(
            reduce(Usage.plus, (self._usage(task) for _, task in self._ended(first, end - 1)), Usage())
            for first, end in pairwise(bounds)
        )

    async def by_provider(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return self._by(lambda task: task.provider_name, first, last)

    async def by_model(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return self._by(lambda task: task.model_id, first, last)

    def _by(self, name: Callable[[Task], str], first: int | None, last: int | None) -> dict[str, Usage]:
        usages: dict[str, Usage] = {}
        for _, task in self._ended(first, last):
            usages[name(task)] = usages.get(name(task), Usage()).plus(self._usage(task))
        return usages

    def _ended(self, first: int | None, last: int | None) -> Iterator[tuple[int, Task]]:
        for task in self._state.tasks.values():
            quarter = quarter_of(task.completed_at or task.created_at)
            is_within = (first is None or quarter >= first) and (last is None or quarter <= last)
            if task.status.final and is_within:
                yield quarter, task

    def _usage(self, task: Task) -> Usage:
        usage = Usage(tasks=1, images=self._state.image_counts[task.task_id])
        for attempt in self._attempts(task.task_id):
            usage = usage.plus(_usage_of(attempt))
        return usage

    def _attempts(self, task_id: str) -> list[Attempt]:
        return [attempt for attempt in self._state.attempts.values() if attempt.task_id == task_id]


def _usage_of(attempt: Attempt) -> Usage:
    cost = attempt.cost
    if attempt.charge is Charge.NONE or cost is None:
        return Usage()
    if cost.currency is None or cost.ticks is None:
        return Usage(unknown_attempts=1)
    if attempt.charge is Charge.POSSIBLE:
        ticks = Ticks(possible_ticks=cost.ticks)
    elif cost.basis is Basis.KNOWN:
        ticks = Ticks(known_ticks=cost.ticks)
    else:
        ticks = Ticks(estimated_ticks=cost.ticks)
    return Usage(currencies={cost.currency: ticks})
