"""Batches in the database of the tasks, whose triggers end them; their tasks are added with their cursor."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import attrs
import msgspec

from imagegen_adapters.stores.rows import (
    cost_from_columns,
    from_json,
    from_timestamp,
    make_page,
    newest_rows,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    readable_tasks,
    to_json,
    to_timestamp,
)
from imagegen_adapters.stores.sql import Query, Row, Sql, Steps
from imagegen_core.batch import Batch, BatchPlan, BatchStatus, BatchVerb, PauseReason
from imagegen_core.costs import Cost, total
from imagegen_core.errors import BatchNotFound, IdempotencyKeyReused, StaleTask
from imagegen_core.messages import Message
from imagegen_core.ports.batches import OWNER_PREFIX, BatchJob
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task, TaskStatus

AddTask: TypeAlias = Callable[[Task, int], Query]
"""Returns what adds a task to a queue of a size; it returns a row if there was room."""

_PLAIN = ("batch_id", "name", "mode", "size", "concurrency", "on_failure", "idempotency_key", "body_digest")
_NEW = (*_PLAIN, "max_cost_currency", "max_cost_ticks", "estimate", "created_at")

_INSERT = f"""
INSERT INTO batches ({", ".join(_NEW)}) VALUES ({", ".join(f":{name}" for name in _NEW)})
ON CONFLICT DO NOTHING RETURNING batch_id
"""  # noqa: S608 - columns of our own

_INSERT_PLAN = "INSERT INTO batch_plans (batch_id, plan) VALUES (:batch_id, :plan)"

_OF_KEY = "SELECT batch_id, body_digest FROM batches WHERE idempotency_key = :key"

_UNFINISHED = """
SELECT * FROM batches WHERE completed_at IS NULL AND (status = 'running' OR status = 'cancelled' AND EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_of_items
    WHERE tasks.batch_id = batches.batch_id AND batch_item IS NOT NULL AND tasks.status = 'pending'
)) ORDER BY seq
"""

_COUNTS = """
SELECT batch_id, status, count(*) AS number FROM tasks INDEXED BY tasks_of_items
WHERE batch_id = ANY (:ids::text[]) AND batch_item IS NOT NULL AND status = ANY (:statuses::text[])
GROUP BY batch_id, status
"""

_OPEN_STATUSES = [status.value for status in TaskStatus if not status.final]

_COSTS = "SELECT * FROM batch_costs WHERE batch_id = ANY (:ids::text[]) ORDER BY currency, basis"

_FAILED = """
SELECT * FROM tasks INDEXED BY tasks_of_items
WHERE batch_id = :batch_id AND status = 'failed' AND batch_item IS NOT NULL AND seq <= :until
ORDER BY seq LIMIT :limit
"""

# ---------------------------------------------------------------- submitting; the row is locked first

_LOCK = """
UPDATE batches SET submitted = submitted WHERE batch_id = :batch_id RETURNING status, submitted
"""

_OPEN = """
SELECT
    count(*) AS open, coalesce(sum(quote_ticks), 0)::bigint AS quoted,
    (SELECT coalesce(sum(ticks), 0)::bigint FROM batch_costs WHERE batch_id = :batch_id) AS charged, (
        SELECT count(*) FROM batch_costs
        WHERE batch_id = :batch_id AND NOT (currency = :currency AND basis <> 'unknown')
    ) AS uncertain
FROM tasks INDEXED BY tasks_of_items
WHERE batch_id = :batch_id AND batch_item IS NOT NULL AND status IN ('pending', 'processing')
"""

_HAND_OVER = """
UPDATE tasks SET batch_item = NULL WHERE task_id = :task_id AND batch_item = :item RETURNING task_id
"""

_TAKE_BACK = "UPDATE tasks SET batch_item = :item WHERE task_id = :task_id"

_ADVANCE = "UPDATE batches SET submitted = submitted + :count WHERE batch_id = :batch_id"

# ---------------------------------------------------------------- changes of state

_PAUSE = """
UPDATE batches SET status = 'paused', reason = :reason, detail = :detail
WHERE batch_id = :batch_id AND status = 'running'
"""

_RESUME = """
UPDATE batches SET status = 'running', reason = NULL, detail = NULL
WHERE batch_id = :batch_id AND status = 'paused'
"""

_RETRY = """
UPDATE batches SET
    status = 'running', reason = NULL, detail = NULL, completed_at = NULL,
    retried_until = (SELECT max(seq) FROM tasks WHERE tasks.batch_id = :batch_id)
WHERE batch_id = :batch_id AND status <> 'cancelled' AND EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_of_items
    WHERE tasks.batch_id = :batch_id AND batch_item IS NOT NULL AND tasks.status = 'failed'
        AND (batches.status = 'paused' OR tasks.seq > retried_until)
)
"""

_CANCEL = """
UPDATE batches SET
    status = 'cancelled', reason = NULL, detail = NULL,
    completed_at = CASE WHEN NOT EXISTS (
        SELECT 1 FROM tasks INDEXED BY tasks_of_items
        WHERE tasks.batch_id = :batch_id AND batch_item IS NOT NULL
            AND tasks.status IN ('pending', 'processing')
    ) THEN :now::timestamptz END
WHERE batch_id = :batch_id AND completed_at IS NULL
"""

_CHANGES = {"pause": _PAUSE, "resume": _RESUME, "retry_failed": _RETRY, "cancel": _CANCEL}


# ---------------------------------------------------------------- jobs of providers

_JOB_COLUMNS = tuple(field.name for field in attrs.fields(BatchJob))

_ADD_JOB = f"""
INSERT INTO batch_jobs ({", ".join(_JOB_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _JOB_COLUMNS)})
"""  # noqa: S608 - columns of our own

_SAVE_JOB = """
UPDATE batch_jobs SET version = version + 1, sent_at = :sent_at, file = :file, upstream_id = :upstream_id
WHERE job_id = :job_id AND version = :version RETURNING *
"""

_REMOVE_JOB = """
DELETE FROM batch_jobs WHERE job_id = :job_id AND NOT EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_by_status WHERE status = 'processing' AND owner = :owner
) RETURNING job_id
"""

_MISSING_JOBS = """
SELECT batch_id, provider_name, model_id FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing' AND owner = 'batch:'
EXCEPT SELECT batch_id, provider_name, model_id FROM batch_jobs WHERE file IS NULL
"""

_TASKS_IN_JOBS = """
SELECT provider_name, count(*) AS number FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing' AND owner LIKE 'batch:%' GROUP BY provider_name
"""


class SqlBatches:
    """The tables of batches and of their jobs; ``add_task`` is the database's own."""

    def __init__(self, sql: Sql, add_task: AddTask) -> None:
        self._sql = sql
        self._add_task = add_task

    async def add(self, batch: Batch, plan: BatchPlan) -> Batch:
        ceiling = batch.max_cost
        values = {
            **{name: getattr(batch, name) for name in _PLAIN},
            "max_cost_currency": None if ceiling is None else ceiling.currency,
            "max_cost_ticks": None if ceiling is None else ceiling.ticks,
            "estimate": to_json([(str(cost.basis), cost.currency, cost.ticks) for cost in batch.estimate]),
            "created_at": to_timestamp(batch.created_at),
        }
        text = await asyncio.to_thread(to_json, plan)  # it may be megabytes

        def insert() -> Steps[bool]:
            is_new = bool((yield _INSERT, values))
            if is_new:
                yield _INSERT_PLAN, {"batch_id": batch.batch_id, "plan": text}
            return is_new

        if not await self._sql.transact(insert()):
            return await self.replay(batch) or batch
        return batch

    async def replay(self, batch: Batch) -> Batch | None:
        for row in await self._sql.rows(_OF_KEY, key=batch.idempotency_key):
            if row["body_digest"] != batch.body_digest:
                raise IdempotencyKeyReused
            return await self.get(row["batch_id"])
        return None

    async def get(self, batch_id: str) -> Batch:
        rows = await self._sql.rows("SELECT * FROM batches WHERE batch_id = :id", id=batch_id)
        for batch in await self._batches(rows):
            return batch
        raise BatchNotFound(batch_id)

    async def plan(self, batch_id: str) -> BatchPlan:
        for row in await self._sql.rows("SELECT plan FROM batch_plans WHERE batch_id = :id", id=batch_id):
            return await asyncio.to_thread(from_json, row["plan"], BatchPlan)
        raise BatchNotFound(batch_id)

    async def find(self, status: BatchStatus | None, paging: Paging) -> Page[Batch]:
        rows, count = await newest_rows(self._sql, "SELECT * FROM batches", {"status": status}, paging)
        numbers = [row["seq"] for row in rows]
        return make_page([*zip(numbers, await self._batches(rows), strict=True)], paging, count=count)

    async def unfinished(self) -> tuple[Batch, ...]:
        rows = await self._sql.rows(_UNFINISHED)
        return await self._batches(rows, statuses=_OPEN_STATUSES) if rows else ()

    async def failed(self, batch: Batch, *, limit: int) -> tuple[Task, ...]:
        values = {"batch_id": batch.batch_id, "until": batch.retried_until, "limit": limit}
        return readable_tasks(await self._sql.rows(_FAILED, **values))

    async def _batches(
        self, rows: Sequence[Row], statuses: Sequence[str] = tuple(TaskStatus)
    ) -> tuple[Batch, ...]:
        ids = [row["batch_id"] for row in rows]
        counts = {batch_id: dict.fromkeys(TaskStatus, 0) for batch_id in ids}
        costs: dict[str, list[Cost]] = {batch_id: [] for batch_id in ids}
        for row in await self._sql.rows(_COUNTS, ids=ids, statuses=list(statuses)):
            counts[row["batch_id"]][TaskStatus(row["status"])] = row["number"]
        for row in await self._sql.rows(_COSTS, ids=ids):
            cost = cost_from_columns(row["basis"], row["currency"] or None, row["ticks"])
            costs[row["batch_id"]] += () if cost is None else (cost,)
        return tuple(_batch(row, counts[row["batch_id"]], costs[row["batch_id"]]) for row in rows)

    # ---------------------------------------------------------------- changes

    async def submit(self, batch: Batch, tasks: Sequence[Task], *, queue_size: int) -> int:
        return await self._sql.transact(self._submit(batch, tasks, queue_size))

    def _submit(self, batch: Batch, tasks: Sequence[Task], queue_size: int) -> Steps[int]:
        mine, ceiling = {"batch_id": batch.batch_id}, batch.max_cost
        rows = yield _LOCK, mine
        if not rows or (rows[0]["status"], rows[0]["submitted"]) != ("running", batch.submitted):
            return 0
        currency = None if ceiling is None else ceiling.currency
        ((is_open, quoted, charged, uncertain),) = yield _OPEN, {**mine, "currency": currency}
        room = math.inf if ceiling is None else (ceiling.ticks or 0) - charged - quoted
        added = 0
        for task in tasks[: max(0, batch.concurrency - is_open)]:
            quote = 0 if task.batch is None else task.batch.quote_ticks
            if ceiling is not None and (uncertain or quote > room):
                if not is_open + added:
                    yield _PAUSE, {**mine, "reason": "max_cost", "detail": None}
                break
            if not (yield from self._add(task, queue_size)):
                break
            added, room = added + 1, room - quote
        yield _ADVANCE, {**mine, "count": sum(task.retry_of is None for task in tasks[:added])}
        return added

    def _add(self, task: Task, queue_size: int) -> Steps[bool]:
        """Add a task, in place of the one that it makes again; False if there is no room for it."""
        earlier = {"task_id": task.retry_of, "item": None if task.batch is None else task.batch.item}
        if task.retry_of is not None and not (yield _HAND_OVER, earlier):
            return False
        was_added = bool((yield self._add_task(task, queue_size)))
        if task.retry_of is not None and not was_added:
            yield _TAKE_BACK, earlier
        return was_added

    async def change(
        self,
        batch_id: str,
        verb: BatchVerb,
        *,
        now: datetime,
        reason: PauseReason = "person",
        detail: Message | None = None,
    ) -> None:
        values = {"reason": reason, "detail": optional_json(detail), "now": to_timestamp(now)}

        def change() -> Steps[None]:
            # Behind tasks that end now: they lock the row, too, and what follows may count them
            yield _LOCK, {"batch_id": batch_id}
            yield _CHANGES[verb], {"batch_id": batch_id, **values}

        await self._sql.transact(change())

    # ---------------------------------------------------------------- jobs of providers

    async def add_job(self, job: BatchJob) -> None:
        await self._sql.change(_ADD_JOB, **_values(job))

    async def jobs(self) -> tuple[BatchJob, ...]:
        return tuple(map(_job, await self._sql.rows("SELECT * FROM batch_jobs ORDER BY seq")))

    async def save_job(self, job: BatchJob) -> BatchJob:
        for row in await self._sql.change(_SAVE_JOB, **_values(job)):
            return _job(row)
        raise StaleTask(job.job_id)

    async def remove_job(self, job_id: str) -> bool:
        return bool(await self._sql.change(_REMOVE_JOB, job_id=job_id, owner=OWNER_PREFIX + job_id))

    async def missing_jobs(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(map(dict, await self._sql.rows(_MISSING_JOBS)))

    async def tasks_in_jobs(self) -> Mapping[str, int]:
        return {row["provider_name"]: row["number"] for row in await self._sql.rows(_TASKS_IN_JOBS)}


def _batch(row: Row, counts: dict[TaskStatus, int], costs: Sequence[Cost]) -> Batch:
    ceiling = cost_from_columns("known", row["max_cost_currency"], row["max_cost_ticks"])
    estimate = [cost_from_columns(*columns) for columns in msgspec.json.decode(row["estimate"])]
    return Batch(
        **{name: row[name] for name in (*_PLAIN, "submitted", "retried_until", "reason")},
        max_cost=None if row["max_cost_ticks"] is None else ceiling,
        estimate=tuple(cost for cost in estimate if cost is not None),
        status=BatchStatus(row["status"]),
        detail=optional_value(row["detail"], Message),
        created_at=from_timestamp(row["created_at"]),
        completed_at=optional_moment(row["completed_at"]),
        counts=counts,
        costs=total(costs),
    )


def _values(job: BatchJob) -> dict[str, object]:
    moments = {"created_at": to_timestamp(job.created_at), "sent_at": optional_timestamp(job.sent_at)}
    return attrs.asdict(job) | moments


def _job(row: Row) -> BatchJob:
    moments = {"created_at": from_timestamp(row["created_at"]), "sent_at": optional_moment(row["sent_at"])}
    return BatchJob(**{name: row[name] for name in _JOB_COLUMNS} | moments)
