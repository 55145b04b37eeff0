"""The feed of tasks in PostgreSQL."""

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.rows import changed_tasks
from imagegen_core.ports.task_feed import ChangedTasks

_END = "SELECT oldest_transaction() AS position"

_SINCE = """
SELECT horizon.position, page.* FROM (SELECT oldest_transaction() AS position) AS horizon
LEFT JOIN LATERAL (
    SELECT * FROM tasks WHERE changed_by >= $1 AND changed_by < horizon.position
    ORDER BY changed_by FETCH FIRST ($2::integer) ROWS WITH TIES
) AS page ON true
ORDER BY changed_by
"""


class PostgresqlTaskFeed:
    """Positions are numbers of transactions: a task knows the one that changed it last.

    The end is the oldest transaction that has not ended, since every one before it is visible. One that stays
    open for long in any database of the server holds the feed up, and nothing is missed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def end(self) -> int:
        row = await self._database.row(_END)
        return int(row["position"]) if row is not None else 0

    async def since(self, position: int, *, limit: int) -> ChangedTasks:
        rows = await self._database.rows(_SINCE, position, limit)
        changed = [row for row in rows if row["task_id"] is not None]
        return changed_tasks(changed, "changed_by", end=rows[0]["position"], limit=limit)
