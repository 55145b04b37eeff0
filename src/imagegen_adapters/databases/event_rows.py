"""Conversion of events to and from rows."""

from datetime import timedelta
from typing import Any

from imagegen_adapters.databases import statements
from imagegen_adapters.databases.json_columns import (
    from_timestamp,
    object_from_json,
    object_to_json,
    to_timestamp,
)
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.task_rows import Row
from imagegen_core.tasks.events import EventKind, TaskEvent

_PROGRESS_RETENTION = timedelta(days=1)


def insert_event(connection: sqlite3.Connection, event: TaskEvent) -> int:
    """Insert an event and return its id; a final event also purges expired progress events of all tasks."""
    number = connection.execute(statements.INSERT_EVENT, event_to_row(event)).lastrowid
    if event.kind.final:
        connection.execute(statements.PURGE_PROGRESS, (to_timestamp(event.at - _PROGRESS_RETENTION),))
    return number or 0


def event_to_row(event: TaskEvent) -> dict[str, Any]:
    """Return the columns of an event, without its id."""
    return {
        "task_id": event.task_id,
        "kind": event.kind.value,
        "at": to_timestamp(event.at),
        "data": object_to_json(event.data),
    }


def row_to_event(row: Row) -> TaskEvent:
    """Return the event of a row."""
    return TaskEvent(
        id=row["id"],
        task_id=row["task_id"],
        kind=EventKind(row["kind"]),
        at=from_timestamp(row["at"]),
        data=object_from_json(row["data"]),
    )
