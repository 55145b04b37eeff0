"""What the suites of other ports need of a task repository, over PostgreSQL."""

import attrs

from imagegen_adapters.databases.json_columns import to_timestamp
from imagegen_adapters.databases.task_rows import attempt_to_row, row_to_task, task_to_row
from imagegen_adapters.image_records.postgresql import insert_images
from imagegen_core.errors import StaleTask, TaskNotFound


class PostgresqlTasks:
    """Stores tasks with their keys, attempts and images."""

    def __init__(self, database, *, simplify):
        self._database = database
        self._simplify = simplify

    async def add(self, task, *, queue_size, idempotency=None):
        async with self._database.transaction() as connection:
            await _insert(connection, "tasks", _row(task))
            if idempotency is not None:
                claim = {**attrs.asdict(idempotency), "task_id": task.task_id}
                claim["expires_at"] = to_timestamp(idempotency.expires_at)
                key = (idempotency.scope, idempotency.key)
                await connection.execute("DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2", *key)
                await _insert(connection, "idempotency_keys", claim)

    async def save(self, task, fence, attempts=(), images=()):
        async with self._database.transaction() as connection:
            await self._check(connection, task.task_id, fence)
            row = _row(task)
            changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(row, 1))
            condition = f"task_id = ${list(row).index('task_id') + 1}"
            update = f"UPDATE tasks SET {changes} WHERE {condition}"  # noqa: S608 - names of columns
            await connection.execute(update, *row.values())
            await insert_images(connection, images, self._simplify)

    async def save_attempt(self, attempt, fence, images=()):
        async with self._database.transaction() as connection:
            await self._check(connection, attempt.task_id, fence)
            await _insert(connection, "attempts", attempt_to_row(attempt))
            return await insert_images(connection, images, self._simplify)

    async def _check(self, connection, task_id, fence):
        row = await connection.fetchrow("SELECT * FROM tasks WHERE task_id = $1 FOR UPDATE", task_id)
        if row is None:
            raise TaskNotFound(task_id)
        if row_to_task(row).fence != fence:
            raise StaleTask(task_id)


def _row(task):
    return {**task_to_row(task), "locked": task.locked, "cancel_requested": task.cancel_requested}


async def _insert(connection, table, row):
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"  # noqa: S608 - as above
    await connection.execute(statement, *row.values())
