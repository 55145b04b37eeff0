"""The feed of tasks in SQLite."""

from imagegen_adapters.databases import statements
from imagegen_adapters.stores.rows import changed_tasks
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.ports.task_feed import ChangedTasks


class SqliteTaskFeed:
    """The rows of ``task_changes``, which triggers keep: a task that changes again gets a new, higher number.

    There is one writer, so that numbers become visible in their order.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def end(self) -> int:
        return await self._database.read(_end)

    async def since(self, position: int, *, limit: int) -> ChangedTasks:
        def read(connection: sqlite3.Connection) -> ChangedTasks:
            rows = connection.execute(statements.CHANGED_TASKS, (position, limit)).fetchall()
            return changed_tasks(rows, "change", end=_end(connection), limit=limit)

        return await self._database.read(read)


def _end(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute(statements.LAST_CHANGE).fetchone()
    return int(last) + 1
