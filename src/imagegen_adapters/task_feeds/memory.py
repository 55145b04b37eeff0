"""The feed of tasks in memory."""

from itertools import islice

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.ports.task_feed import ChangedTask, ChangedTasks


class MemoryTaskFeed:
    """The changes of ``state``, shared with the task repository."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def end(self) -> int:
        return self._state.last_change + 1

    async def since(self, position: int, *, limit: int) -> ChangedTasks:
        later = ((task_id, change) for task_id, change in self._state.changes.items() if change >= position)
        changes = tuple(
            ChangedTask(task=self._state.tasks[task_id], position=change + 1)
            for task_id, change in islice(later, limit)
        )
        end, has_more = self._state.last_change + 1, len(changes) >= limit
        return ChangedTasks(
            changes=changes, position=changes[-1].position if has_more else end, has_more=has_more
        )
