"""Events in SQLite, so that a subscriber can resume where it was after a restart."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import attrs

from imagegen_adapters.databases import statements
from imagegen_adapters.event_buses.watchers import Watchers
from imagegen_adapters.stores.rows import event_to_row, row_to_event, to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.task import EventKind, TaskEvent

_PROGRESS_RETENTION = timedelta(days=1)


class SqliteEventBus:
    """Stores the events of all tasks, those of progress for a day; wakes the subscribers in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers = Watchers()

    async def publish(self, event: TaskEvent) -> TaskEvent:
        number = await self._database.writer.write(partial(insert_event, event=event))
        self._watchers.wake(event.task_id)
        return attrs.evolve(event, id=number)

    async def notify(self, task_id: str) -> None:
        self._watchers.wake(task_id)

    async def subscribe(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._watchers.watch(task_id) as changed:
            while True:
                changed.clear()
                events, ended = await self._database.read(partial(_after, task_id=task_id, since=after))
                for event in events:
                    after = event.id
                    yield event
                if ended:
                    return
                if not events:
                    await changed.wait()

    async def last_id(self, task_id: str) -> int:
        row = await self._database.read(lambda c: c.execute(statements.LAST_EVENT, (task_id,)).fetchone())
        return int(row["id"]) if row else 0


def _after(connection: sqlite3.Connection, *, task_id: str, since: int) -> tuple[list[TaskEvent], bool]:
    """Return the stored events after ``since``, and whether they end with the task's final one."""
    rows = connection.execute(statements.EVENTS_AFTER, (task_id, since)).fetchall()
    events = [row_to_event(row) for row in rows]
    last = connection.execute(statements.LAST_EVENT, (task_id,)).fetchone()
    is_final = last is not None and EventKind(last["kind"]).final
    return events, is_final and (not events or events[-1].id == last["id"])


def insert_event(connection: sqlite3.Connection, event: TaskEvent) -> int:
    """Insert an event and return its id; a final event also purges expired progress events of all tasks."""
    number = connection.execute(statements.INSERT_EVENT, event_to_row(event)).lastrowid
    if event.kind.final:
        connection.execute(statements.PURGE_PROGRESS, (to_timestamp(event.at - _PROGRESS_RETENTION),))
    return number or 0
