"""Events in memory."""

from collections.abc import AsyncIterator

import attrs

from imagegen_adapters.event_buses.watchers import Watchers
from imagegen_core.events import TaskEvent


class MemoryEventBus:
    """Keeps all events of all tasks; gone with the process."""

    def __init__(self) -> None:
        self._events: dict[str, list[TaskEvent]] = {}
        self._last_id = 0
        self._watchers = Watchers()

    async def publish(self, event: TaskEvent) -> TaskEvent:
        self._last_id += 1
        numbered = attrs.evolve(event, id=self._last_id)
        self._events.setdefault(event.task_id, []).append(numbered)
        self._watchers.wake(event.task_id)
        return numbered

    async def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._watchers.watch(task_id) as news:
            while True:
                news.clear()
                kept = self._events.get(task_id, [])
                for event in [event for event in kept if event.id > after]:
                    after = event.id
                    yield event
                if kept and kept[-1].kind.final:
                    return
                await news.wait()

    async def last_id(self, task_id: str) -> int:
        events = self._events.get(task_id)
        return events[-1].id if events else 0
