"""Tasks in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from imagegen_adapters.image_records.postgresql.additions import images_to_json, stored_images
from imagegen_adapters.stores.postgresql.database import (
    Batches,
    Database,
    Row,
    bytes_argument,
    json_argument,
    select_page,
)
from imagegen_adapters.stores.postgresql.listener import Listener
from imagegen_adapters.stores.rows import (
    attempt_to_row,
    claim_to_row,
    event_to_row,
    readable_tasks,
    row_to_attempt,
    row_to_task,
    task_state,
    task_to_row,
    to_timestamp,
)
from imagegen_core.attempt import Attempt
from imagegen_core.errors import IdempotencyKeyReused, QueueFull, StaleTask, TaskNotFound
from imagegen_core.images import Image
from imagegen_core.ports.task_repository import AddedTask, IdempotencyClaim, TaskFilter
from imagegen_core.search import Page, Paging, Simplify
from imagegen_core.task import Fence, Task, TaskStatus, last_event
from imagegen_core.text import text_problem

CANCELLATIONS = "cancellations"

_ADD = "SELECT * FROM add_tasks($1)"

_GET = "SELECT * FROM tasks WHERE task_id = $1"

_COUNTS = "SELECT status, count(*) AS number FROM tasks GROUP BY status"

_SAVE = "SELECT * FROM save_task($1, $2, $3, $4, $5, $6, $7, $8)"

_REQUEST_CANCEL = """
UPDATE tasks SET cancel_requested = cancel_requested OR status = 'processing' WHERE task_id = $1 RETURNING *
"""

_CANCEL_REQUESTS = """
SELECT task_id FROM tasks WHERE task_id = ANY ($1::text[]) AND status = 'processing' AND cancel_requested
"""

_ATTEMPTS = "SELECT * FROM attempts WHERE task_id = $1 ORDER BY seq"

_WIPE_RESPONSES = """
UPDATE attempts SET response = NULL
WHERE response IS NOT NULL AND phase IN ('stored', 'failed') AND updated_at < $1
"""

_ORPHANS = """
SELECT * FROM tasks
WHERE status = 'processing' AND coalesce(owner, '') <> ALL ($1::text[]) AND task_id <> ALL ($2::text[])
ORDER BY seq
"""


class PostgresqlTaskRepository:
    """Stores tasks and attempts in their tables.

    Adds that wait together are one transaction: all nodes add one after the other, so that the size of the
    queue is exact. A request never changes: `save` does not update request, provider, creation time and
    `retry_of`.

    Args:
        database: an open database.
        listener: tells the nodes, under the topic `CANCELLATIONS`, that the cancellation of a task was
            requested; without one, the node that runs it finds out by `cancel_requests`.
        simplify: converts traditional to simplified Chinese when prompts are folded.
    """

    def __init__(self, database: Database, listener: Listener | None = None, *, simplify: Simplify) -> None:
        self._database = database
        self._listener = listener
        self._simplify = simplify
        self._adds = Batches(self._add_all)

    async def add(
        self, task: Task, *, queue_size: int, idempotency: IdempotencyClaim | None = None
    ) -> AddedTask:
        claim = None if idempotency is None else claim_to_row(idempotency, task)
        addition = {"task": task_to_row(task), "claim": claim, "queue_size": queue_size}
        added = await self._adds.call(json_argument(addition))
        match added["outcome"]:
            case "added":
                return AddedTask(task=task)
            case "replayed":
                return AddedTask(task=await self.get(added["known_id"]), replayed=True)
            case "reused":
                raise IdempotencyKeyReused
            case _:
                raise QueueFull(queue_size)

    async def _add_all(self, additions: Sequence[str]) -> list[Row]:
        return await self._database.rows(_ADD, f"[{','.join(additions)}]")

    async def get(self, task_id: str) -> Task:
        return await self._task(_GET, task_id)

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        if criteria.provider_name is not None and text_problem(criteria.provider_name) is not None:
            return Page(items=(), total=0, has_more=False)
        conditions = {"status": criteria.status, "provider_name": criteria.provider_name}
        return await select_page(
            self._database, "tasks", conditions, paging, number="seq", convert=row_to_task
        )

    async def counts(self) -> Mapping[TaskStatus, int]:
        rows = await self._database.rows(_COUNTS)
        numbers: dict[str, int] = {row["status"]: row["number"] for row in rows}
        return {status: numbers.get(status, 0) for status in TaskStatus}

    async def save(
        self, task: Task, fence: Fence, attempts: Sequence[Attempt] = (), images: Sequence[Image] = ()
    ) -> None:
        await self._save(task.task_id, fence, task=task, attempts=attempts, images=images)

    async def save_attempt(
        self, attempt: Attempt, fence: Fence, images: tuple[Image, ...] = ()
    ) -> tuple[Image, ...]:
        ids = await self._save(attempt.task_id, fence, attempts=(attempt,), images=images)
        return await stored_images(self._database.row, images, ids)

    async def _save(
        self,
        task_id: str,
        fence: Fence,
        *,
        task: Task | None = None,
        attempts: Sequence[Attempt],
        images: Sequence[Image],
    ) -> Sequence[int | None]:
        """Store what is given under the fence, in one call; return the ids of new images."""
        event = None if task is None or not task.status.final else event_to_row(last_event(task))
        (row,) = await self._database.rows(
            _SAVE,
            task_id,
            fence.owner,
            fence.epoch,
            fence.status.value,
            None if task is None else json_argument(task_state(task)),
            json_argument(list(map(_attempt, attempts))),
            await images_to_json(images, self._simplify) if images else None,
            None if event is None else json_argument(event),
        )
        match row["outcome"]:
            case "stale":
                raise StaleTask(task_id)
            case "unknown":
                raise TaskNotFound(task_id)
        return row["image_ids"] or ()

    async def request_cancel(self, task_id: str) -> Task:
        task = await self._task(_REQUEST_CANCEL, task_id)
        if self._listener is not None:
            self._listener.notify(CANCELLATIONS, task_id)
        return task

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        rows = await self._database.rows(_CANCEL_REQUESTS, list(task_ids))
        return frozenset(row["task_id"] for row in rows)

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        if text_problem(task_id) is not None:
            return ()
        return tuple(map(row_to_attempt, await self._database.rows(_ATTEMPTS, task_id)))

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        await self._database.rows(_WIPE_RESPONSES, to_timestamp(ended_before))

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        return readable_tasks(await self._database.rows(_ORPHANS, list(alive), list(running)))

    async def _task(self, statement: str, task_id: str) -> Task:
        """Return the task whose row a statement returns."""
        row = None if text_problem(task_id) is not None else await self._database.row(statement, task_id)
        if row is None:
            raise TaskNotFound(task_id)
        return row_to_task(row)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    row = attempt_to_row(attempt)
    return {**row, "response": bytes_argument(row["response"])}
