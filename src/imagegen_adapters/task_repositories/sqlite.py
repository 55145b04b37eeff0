"""Tasks in SQLite."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from imagegen_adapters.databases import statements
from imagegen_adapters.event_buses.sqlite import insert_event
from imagegen_adapters.idempotency_keys.sqlite import keyed_task
from imagegen_adapters.image_records.index_entry import prepare_each
from imagegen_adapters.image_records.sqlite import PreparedImage, insert_prepared
from imagegen_adapters.image_records.statements import NEWEST_IMAGE
from imagegen_adapters.stores.rows import (
    attempt_to_row,
    claim_to_row,
    readable_tasks,
    row_to_attempt,
    row_to_task,
    task_state,
    task_to_row,
    to_timestamp,
    usage_key,
)
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.listing import select_page
from imagegen_core.attempt import Attempt
from imagegen_core.errors import QueueFull, StaleTask, TaskNotFound
from imagegen_core.images import Image
from imagegen_core.ports.task_repository import AddedTask, IdempotencyClaim, TaskFilter
from imagegen_core.search import Page, Paging
from imagegen_core.task import Fence, Task, TaskStatus, image_event, last_event


class SqliteTaskRepository:
    """Stores tasks and attempts in their tables.

    A request never changes: `save` does not update request, provider, creation time and `retry_of`.

    Args:
        database: an open database.
        simplify: converts traditional to simplified Chinese when prompts are folded.
    """

    def __init__(self, database: Database, *, simplify: Callable[[str], str]) -> None:
        self._database = database
        self._simplify = simplify

    async def add(
        self, task: Task, *, queue_size: int, idempotency: IdempotencyClaim | None = None
    ) -> AddedTask:
        row = {**task_to_row(task), "queue_size": queue_size}
        if idempotency is not None:
            return await self._add_once(task, row, idempotency)
        if not await self._database.writer.execute(statements.INSERT_TASK_IF_ROOM, row):
            raise QueueFull(queue_size)
        return AddedTask(task=task)

    async def _add_once(self, task: Task, row: dict[str, Any], claim: IdempotencyClaim) -> AddedTask:
        def add(connection: sqlite3.Connection) -> sqlite3.Row | None:
            connection.execute(statements.PURGE_IDEMPOTENCY_KEYS, (row["created_at"],))
            replayed = keyed_task(connection, claim, now=row["created_at"])
            if replayed is not None:
                return replayed
            if not connection.execute(statements.INSERT_TASK_IF_ROOM, row).rowcount:
                raise QueueFull(row["queue_size"])
            connection.execute(statements.PUT_IDEMPOTENCY_KEY, claim_to_row(claim, task))
            return None

        replayed = await self._database.writer.write(add)
        return (
            AddedTask(task=task) if replayed is None else AddedTask(task=row_to_task(replayed), replayed=True)
        )

    async def get(self, task_id: str) -> Task:
        return await self._database.read(lambda c: _get(c, task_id))

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        conditions = {"status = ?": criteria.status, "provider_name = ?": criteria.provider_name}
        return await self._database.read(
            lambda c: select_page(c, "tasks", conditions, paging, number="seq", convert=row_to_task)
        )

    async def counts(self) -> Mapping[TaskStatus, int]:
        rows = await self._database.read(lambda c: c.execute(statements.COUNTERS).fetchall())
        counters: dict[str, int] = {row["name"]: row["value"] for row in rows}
        return {status: counters[status] for status in TaskStatus}

    async def save(
        self, task: Task, fence: Fence, attempts: Sequence[Attempt] = (), images: Sequence[Image] = ()
    ) -> None:
        fence_values = _fence_values(fence)
        row = task_state(task) | fence_values
        attempt_rows = [attempt_to_row(attempt) | fence_values for attempt in attempts]
        prepared = await self._prepared(images)

        def save(connection: sqlite3.Connection) -> None:
            connection.executemany(statements.PUT_ATTEMPT, attempt_rows)
            if not connection.execute(statements.UPDATE_TASK, row).rowcount:
                raise _refusal(connection, task.task_id)
            self._insert(connection, prepared)
            if task.status.final:
                connection.execute(statements.WIPE_ATTEMPTS, (task.task_id,))
                connection.execute(statements.ADD_USAGE, usage_key(task))
                insert_event(connection, last_event(task))

        await self._database.writer.write(save)

    async def save_attempt(
        self, attempt: Attempt, fence: Fence, images: tuple[Image, ...] = ()
    ) -> tuple[Image, ...]:
        row = attempt_to_row(attempt) | _fence_values(fence)
        if not images:
            if not await self._database.writer.execute(statements.PUT_ATTEMPT, row):
                raise await self._database.read(lambda c: _refusal(c, attempt.task_id))
            return ()
        prepared = await self._prepared(images)

        def save(connection: sqlite3.Connection) -> tuple[Image, ...]:
            if not connection.execute(statements.PUT_ATTEMPT, row).rowcount:
                raise _refusal(connection, attempt.task_id)
            return self._insert(connection, prepared)

        return await self._database.writer.write(save)

    async def request_cancel(self, task_id: str) -> Task:
        def request_cancel(connection: sqlite3.Connection) -> Task:
            connection.execute(statements.REQUEST_CANCEL, (task_id,))
            return _get(connection, task_id)

        return await self._database.writer.write(request_cancel)

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        values = (json.dumps(list(task_ids)),)
        rows = await self._database.read(lambda c: c.execute(statements.CANCEL_REQUESTS, values).fetchall())
        return frozenset(row["task_id"] for row in rows)

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        rows = await self._database.read(lambda c: c.execute(statements.ATTEMPTS, (task_id,)).fetchall())
        return tuple(row_to_attempt(row) for row in rows)

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        before = (to_timestamp(ended_before),)
        # Looked for first: it is called often, and a write that changes nothing is a commit all the same.
        if await self._database.read(lambda c: c.execute(statements.OLD_RESPONSE, before).fetchone()):
            await self._database.writer.execute(statements.WIPE_RESPONSES, before)

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        values = {"alive": json.dumps(list(alive)), "running": json.dumps(list(running))}

        def orphans(connection: sqlite3.Connection) -> tuple[Task, ...]:
            return readable_tasks(connection.execute(statements.ORPHANS, values).fetchall())

        return await self._database.read(orphans)

    def _insert(self, connection: sqlite3.Connection, prepared: list[PreparedImage]) -> tuple[Image, ...]:
        """Insert images, and the events of those that were not stored before."""
        if not prepared:
            return ()
        (last,) = connection.execute(NEWEST_IMAGE).fetchone()
        images = insert_prepared(connection, prepared, self._simplify)
        for image in images:
            if image.id > last:
                insert_event(connection, image_event(image))
        return images

    async def _prepared(self, images: Sequence[Image]) -> list[PreparedImage]:
        return await prepare_each(images, partial(PreparedImage.from_image, simplify=self._simplify))


def _get(connection: sqlite3.Connection, task_id: str) -> Task:
    row = connection.execute(statements.GET_TASK, (task_id,)).fetchone()
    if row is None:
        raise TaskNotFound(task_id)
    return row_to_task(row)


def _fence_values(fence: Fence) -> dict[str, Any]:
    return {"fence_owner": fence.owner, "fence_epoch": fence.epoch, "fence_status": fence.status.value}


def _refusal(connection: sqlite3.Connection, task_id: str) -> StaleTask | TaskNotFound:
    """Return why a statement of the task's that is fenced changed nothing."""
    exists = connection.execute(statements.GET_TASK, (task_id,)).fetchone()
    return StaleTask(task_id) if exists else TaskNotFound(task_id)
