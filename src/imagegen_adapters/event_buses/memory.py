"""Events in memory."""

from collections.abc import AsyncIterator

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.event_buses.watchers import Watchers
from imagegen_core.tasks.events import TaskEvent


class MemoryEventBus:
    """The events of ``state``, which must be the one of the task repository; gone with the process."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._watchers = Watchers()

    async def publish(self, event: TaskEvent) -> TaskEvent:
        added = self._state.add_event(event)
        self._watchers.wake(event.task_id)
        return added

    async def notify(self, task_id: str) -> None:
        self._watchers.wake(task_id)

    async def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._watchers.watch(task_id) as news:
            while True:
                news.clear()
                kept = self._state.events.get(task_id, [])
                for event in [event for event in kept if event.id > after]:
                    after = event.id
                    yield event
                if kept and kept[-1].kind.final:
                    return
                await news.wait()

    async def last_id(self, task_id: str) -> int:
        events = self._state.events.get(task_id)
        return events[-1].id if events else 0
