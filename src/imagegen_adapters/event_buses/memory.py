"""Events in memory."""

from collections.abc import AsyncIterator

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.event_buses.watchers import Watchers
from imagegen_core.task import TaskEvent


class MemoryEventBus:
    """The events of ``state``, shared with the task repository; lost when the process ends."""

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
        with self._watchers.watch(task_id) as changed:
            while True:
                changed.clear()
                events = self._state.events.get(task_id, [])
                for event in [event for event in events if event.id > after]:
                    after = event.id
                    yield event
                if events and events[-1].kind.final:
                    return
                await changed.wait()

    async def last_id(self, task_id: str) -> int:
        events = self._state.events.get(task_id)
        return events[-1].id if events else 0
