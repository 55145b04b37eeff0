"""Events in PostgreSQL, for subscribers on any node."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import attrs

from imagegen_adapters.event_buses.watchers import Watchers
from imagegen_adapters.stores.postgresql.database import Batches, Database, Row, json_argument
from imagegen_adapters.stores.postgresql.listener import POLL_SECONDS, Listener
from imagegen_adapters.stores.rows import event_to_row, row_to_event
from imagegen_core.errors import StorageError
from imagegen_core.task import TaskEvent

_PUBLISH = "SELECT publish_events($1) AS id"

_EVENTS_AFTER = "SELECT * FROM events WHERE task_id = $1 AND id > $2 ORDER BY id LIMIT 500"

_LAST_EVENT = "SELECT * FROM events WHERE task_id = $1 ORDER BY id DESC LIMIT 1"

_LAST_IDS = """
SELECT watched.task_id, last.id FROM unnest($1::text[]) AS watched (task_id)
CROSS JOIN LATERAL (
    SELECT id FROM events WHERE events.task_id = watched.task_id ORDER BY id DESC LIMIT 1
) AS last
"""

_TOPIC = "events"


class PostgresqlEventBus:
    """Stores the events of all tasks; wakes their subscribers on this node and, by hints, on the others.

    All events of a task are added under one lock until their transaction ends, so its ids become visible in
    their order, and "newer than the last one read" misses none. Those that wait together are added together.
    An event after the final one is dropped, and its id stays 0.
    """

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._watchers = Watchers()
        self._publications = Batches(self._publish_all)
        self._polling: asyncio.Task[None] | None = None
        listener.hear(_TOPIC, self._watchers.wake)  # the poll finds what a hint about all means

    async def publish(self, event: TaskEvent) -> TaskEvent:
        row = await self._publications.call(json_argument(event_to_row(event)))
        await self.notify(event.task_id)
        return attrs.evolve(event, id=row["id"] or 0)

    async def _publish_all(self, events: Sequence[str]) -> list[Row]:
        return await self._database.rows(_PUBLISH, f"[{','.join(events)}]")

    async def notify(self, task_id: str) -> None:
        self._listener.notify(_TOPIC, task_id)

    async def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._watchers.watch(task_id) as changed:
            self._poll()
            while True:
                changed.clear()
                rows = await self._database.rows(_EVENTS_AFTER, task_id, after)
                for event in map(row_to_event, rows):
                    after = event.id
                    yield event
                    if event.kind.final:
                        return
                if rows:
                    continue
                last = await self._last(task_id)
                if last is None or (last.id <= after and not last.kind.final):
                    await changed.wait()
                elif last.id <= after:
                    if last.id < after:  # ids that a server lost in a crash are assigned again
                        yield last
                    return

    async def last_id(self, task_id: str) -> int:
        last = await self._last(task_id)
        return 0 if last is None else last.id

    async def _last(self, task_id: str) -> TaskEvent | None:
        row = await self._database.row(_LAST_EVENT, task_id)
        return None if row is None else row_to_event(row)

    def _poll(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll_while_watched(), name="events")

    async def _poll_while_watched(self) -> None:
        """Look each second, once for all tasks that are watched, whether hints were missed."""
        last_ids: dict[str, int] = {}
        while task_ids := self._watchers.task_ids:
            rows = []
            with suppress(StorageError):  # the next look may succeed
                rows = await self._database.rows(_LAST_IDS, task_ids)
            for row in rows:
                if last_ids.get(row["task_id"]) != row["id"]:
                    self._watchers.wake(row["task_id"])
            last_ids = {row["task_id"]: row["id"] for row in rows}
            await asyncio.sleep(POLL_SECONDS)
