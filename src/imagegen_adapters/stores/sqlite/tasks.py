"""Tasks and the queue in SQLite: the statements on which the speed of the service depends."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.stores.rows import (
    BATCH_COLUMNS,
    TASK_COLUMNS,
    TASK_STATE,
    attempt_to_row,
    claim_to_row,
    claimed_tasks,
    event_to_row,
    optional_moment,
    task_state,
    task_to_row,
    to_timestamp,
    usage_key,
)
from imagegen_adapters.stores.search import prepare_each
from imagegen_adapters.stores.sql import Query, SqliteSql, execute
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import Finish, sqlite3
from imagegen_adapters.stores.sqlite.search import Saved, index_new, insert_prepared, prepare
from imagegen_adapters.stores.tasks import (
    GET_TASK,
    TASK_OF_KEY,
    USAGE_SUMS,
    SqlQueue,
    SqlTasks,
    due_moments,
    task_of_key,
)
from imagegen_core.attempt import Attempt
from imagegen_core.errors import QueueFull, StaleTask, TaskNotFound
from imagegen_core.images import Image
from imagegen_core.ports.queue import Demand
from imagegen_core.ports.tasks import AddedTask, IdempotencyClaim
from imagegen_core.search import Simplify
from imagegen_core.task import Fence, Task, TaskEvent, TaskStatus, image_event, last_event


def _insert_if_room(columns: Sequence[str]) -> str:
    return f"""
    INSERT INTO tasks ({", ".join(columns)}) SELECT {", ".join(f":{name}" for name in columns)}
    WHERE (SELECT value FROM counters WHERE name = 'pending') < :queue_size
    """  # noqa: S608 - columns of our own


INSERT_TASK_IF_ROOM = _insert_if_room(TASK_COLUMNS)

_INSERT_BATCH_TASK_IF_ROOM = _insert_if_room((*TASK_COLUMNS, *BATCH_COLUMNS))

_IF_FENCED = """
WHERE task_id = :task_id AND status IN ('pending', 'processing')
    AND owner IS :fence_owner AND epoch = :fence_epoch AND status = :fence_status
"""

_UPDATE_TASK = f"""
UPDATE tasks SET {", ".join(f"{name} = :{name}" for name in TASK_STATE)},
    cancel_requested = max(cancel_requested, :cancel_requested)
{_IF_FENCED}
"""  # noqa: S608 - columns of our own
"""A request to cancel is never lost to a worker that saves a task it read before the request."""

_MOVE_TASK = f"UPDATE tasks SET provider_name = :provider_name {_IF_FENCED}"  # noqa: S608 - the same
"""Only of a task that went on to another provider: three indexes begin with it."""

_OUTCOME = (
    *("phase", "charge", "job", "receipt", "failure", "config", "sealed_config", "updated_at"),
    *("response_name", "response", "price", "cost_basis", "cost_currency", "cost_ticks"),
)
"""The mutable columns of an attempt."""

_ATTEMPT = ("attempt_id", "task_id", "number", "part", "created_at", *_OUTCOME)

_PUT_ATTEMPT = f"""
INSERT INTO attempts ({", ".join(_ATTEMPT)}) SELECT {", ".join(f":{name}" for name in _ATTEMPT)} FROM tasks
{_IF_FENCED}
ON CONFLICT (attempt_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _OUTCOME)}
"""  # noqa: S608 - columns of our own

_WIPE_ATTEMPTS = """
UPDATE attempts SET config = NULL, sealed_config = NULL, price = NULL,
    response = CASE WHEN phase IN ('stored', 'failed') THEN response END
WHERE task_id = ? AND (
    config IS NOT NULL OR sealed_config IS NOT NULL OR price IS NOT NULL
    OR response IS NOT NULL AND phase NOT IN ('stored', 'failed')
)
"""
"""Only an attempt that has ended keeps its response."""

ADD_USAGE = """
INSERT INTO usage_totals (
    quarter, provider_name, model_id, currency, tasks, images, unknown_attempts, known, estimated, possible,
    failed
)
SELECT
    :quarter, provider_name, model_id, '', 1,
    (SELECT count(*) FROM images WHERE images.task_id = :task_id),
    (
        SELECT count(*) FROM attempts
        WHERE attempts.task_id = :task_id AND charge <> 'none'
            AND cost_basis IS NOT NULL AND cost_ticks IS NULL
    ),
    0, 0, 0, status = 'failed'
FROM tasks WHERE task_id = :task_id
UNION ALL
SELECT
    :quarter, provider_name, model_id, cost_currency, 0, 0, 0,
    sum(CASE WHEN charge = 'certain' AND cost_basis = 'known' THEN cost_ticks ELSE 0 END),
    sum(CASE WHEN charge = 'certain' AND cost_basis <> 'known' THEN cost_ticks ELSE 0 END),
    sum(CASE WHEN charge = 'possible' THEN cost_ticks ELSE 0 END), 0
FROM tasks JOIN attempts USING (task_id)
WHERE task_id = :task_id AND charge <> 'none' AND cost_ticks IS NOT NULL
GROUP BY cost_currency
ON CONFLICT (quarter, provider_name, model_id, currency) DO UPDATE SET
    tasks = tasks + excluded.tasks, images = images + excluded.images,
    unknown_attempts = unknown_attempts + excluded.unknown_attempts,
    known = min(known + excluded.known, 9000000000000000000),
    estimated = min(estimated + excluded.estimated, 9000000000000000000),
    possible = min(possible + excluded.possible, 9000000000000000000), failed = failed + excluded.failed
"""
"""Adds an ended task and all costs of its attempts to the totals of its quarter of an hour.

The row without a currency counts tasks and images. Sums stop at the highest number, so that no amount,
however absurd, keeps a task from ending.
"""

_PUT_KEY = """
INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)
VALUES (:scope, :key, :body_sha256, :task_id, :expires_at)
ON CONFLICT (scope, key) DO UPDATE SET
    body_sha256 = excluded.body_sha256, task_id = excluded.task_id, expires_at = excluded.expires_at,
    answered_at = NULL
"""

_PURGE_KEYS = """
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT 100
)
"""

_INSERT_EVENT = "INSERT INTO events (task_id, kind, at, data) VALUES (:task_id, :kind, :at, :data)"

_PURGE_PROGRESS = """
DELETE FROM events WHERE id IN (SELECT id FROM events WHERE kind = 'progress' AND at < ? LIMIT 1000)
"""

_PROGRESS_RETENTION = timedelta(days=1)

# ---------------------------------------------------------------- the queue

# Without statistics SQLite picks the broad index on the status; INDEXED BY fails if the index does not apply.

_RELEASE_DUE = """
UPDATE tasks INDEXED BY tasks_put_off SET not_before = NULL
WHERE status = 'pending' AND not_before IS NOT NULL AND (not_before <= :now OR not_before > :beyond)
"""
"""Due tasks become ordinary pending ones, so that demand and claims need only one short index."""

_DEMAND = """
WITH RECURSIVE ready (provider_name) AS (
    SELECT min(provider_name) FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
    UNION ALL
    SELECT (
        SELECT min(tasks.provider_name) FROM tasks INDEXED BY tasks_ready
        WHERE status = 'pending' AND not_before IS NULL AND tasks.provider_name > ready.provider_name
    ) FROM ready WHERE ready.provider_name IS NOT NULL
), due (provider_name, oldest) AS (
    SELECT provider_name, (
        SELECT seq + claim_order * 4611686018427387904 FROM tasks INDEXED BY tasks_ready
        WHERE status = 'pending' AND not_before IS NULL AND tasks.provider_name = ready.provider_name
        ORDER BY claim_order, seq LIMIT 1
    ) FROM ready WHERE provider_name IS NOT NULL
)
SELECT provider_name, (
    SELECT count(*) FROM tasks INDEXED BY tasks_by_provider_and_status
    WHERE tasks.provider_name = due.provider_name AND status = 'processing'
) AS processing
FROM due ORDER BY oldest LIMIT :limit
"""
"""Steps from provider to provider through the index, skipping their pending tasks."""

_CLAIM = """
UPDATE tasks SET
    status = 'processing', locked = 0, owner = :owner, epoch = epoch + 1,
    started_at = coalesce(started_at, :now)
WHERE seq IN (
    SELECT oldest.value & 4611686018427387903
    FROM json_each(:provider_limits) AS provider
    CROSS JOIN json_each((
        SELECT json_group_array(place) FROM (
            SELECT seq + claim_order * 4611686018427387904 AS place FROM tasks INDEXED BY tasks_ready
            WHERE status = 'pending' AND not_before IS NULL AND provider_name = provider.key
            ORDER BY claim_order, seq LIMIT :limit
        )
    )) AS oldest
    WHERE oldest.key < provider.value - (
        SELECT count(*) FROM tasks INDEXED BY tasks_by_provider_and_status
        WHERE provider_name = provider.key AND status = 'processing'
    )
    ORDER BY oldest.value LIMIT :limit
)
RETURNING *
"""
"""Visits only the next tasks of each provider, however many wait for one at its limit.

A place is a ``seq`` with the order of claims above it, in bit 62.
"""

_WAITING = "FROM tasks INDEXED BY tasks_put_off WHERE status = 'pending' AND not_before IS NOT NULL"

_DEFERRED = f"SELECT (SELECT min(not_before) {_WAITING}), (SELECT max(not_before) {_WAITING})"


class SqliteTasks(SqlTasks):
    """Stores tasks; triggers number their changes, and the one writer makes numbers visible in order."""

    FEED_END = "SELECT coalesce(max(change), 0) + 1 AS position FROM task_changes"

    CHANGES = f"""
    SELECT feed.position, page.* FROM ({FEED_END}) AS feed LEFT JOIN (
        SELECT change, tasks.* FROM task_changes CROSS JOIN tasks
        WHERE tasks.seq = task_changes.seq AND change >= :since ORDER BY change LIMIT :limit
    ) AS page ON true ORDER BY change
    """  # noqa: S608 - constants only

    USAGE_BY_INTERVAL = f"""
    SELECT interval.key AS key, currency, {USAGE_SUMS}
    FROM (
        SELECT key, value AS first, lead(value) OVER (ORDER BY key) AS until FROM json_each(:bounds)
    ) AS interval CROSS JOIN usage_totals
    WHERE quarter >= first AND quarter < until GROUP BY interval.key, currency
    """  # noqa: S608 - the same

    def __init__(self, database: Database, *, simplify: Simplify) -> None:
        super().__init__(SqliteSql(database))
        self._database = database
        self._simplify = simplify
        self._index: Finish[Saved] = partial(index_new, simplify=simplify)

    async def add(self, task: Task, *, queue_size: int, claim: IdempotencyClaim | None = None) -> AddedTask:
        row = {**task_to_row(task), "queue_size": queue_size}
        if claim is not None:
            return await self._add_once(task, row, claim)
        insert = INSERT_TASK_IF_ROOM if task.batch is None else _INSERT_BATCH_TASK_IF_ROOM
        if not await self._database.writer.execute(insert, row):
            raise QueueFull(queue_size)
        return AddedTask(task=task)

    async def _add_once(self, task: Task, row: dict[str, Any], claim: IdempotencyClaim) -> AddedTask:
        def add(connection: sqlite3.Connection) -> Task | None:
            connection.execute(_PURGE_KEYS, (row["created_at"],))
            key = {"scope": claim.scope, "key": claim.key, "now": row["created_at"]}
            replayed = task_of_key(execute(connection, TASK_OF_KEY, key), claim)
            if replayed is not None:
                return replayed
            if not connection.execute(INSERT_TASK_IF_ROOM, row).rowcount:
                raise QueueFull(row["queue_size"])
            connection.execute(_PUT_KEY, claim_to_row(claim, task))
            return None

        replayed = await self._database.writer.write(add)
        return AddedTask(task=task) if replayed is None else AddedTask(task=replayed, replayed=True)

    async def counts(self, statuses: Collection[TaskStatus] = tuple(TaskStatus)) -> Mapping[TaskStatus, int]:
        rows = await self._database.probe(lambda c: c.execute("SELECT name, value FROM counters").fetchall())
        counters: dict[str, int] = {row["name"]: row["value"] for row in rows}
        return {status: counters[status] for status in statuses}

    async def save(
        self,
        fence: Fence,
        *,
        task: Task | None = None,
        attempts: Sequence[Attempt] = (),
        images: Sequence[Image] = (),
    ) -> tuple[Image, ...]:
        task_id = attempts[0].task_id if task is None else task.task_id
        fenced = {"fence_owner": fence.owner, "fence_epoch": fence.epoch, "fence_status": fence.status.value}
        attempt_rows = [attempt_to_row(attempt) | fenced for attempt in attempts]
        if task is None and not images and len(attempts) == 1:
            if not await self._database.writer.execute(_PUT_ATTEMPT, attempt_rows[0]):
                raise await self._database.read(lambda c: _refusal(c, task_id))
            return ()
        state = None if task is None else task_state(task) | fenced
        is_moved = task is not None and task.earlier_attempts is not None
        prepared = await prepare_each(images, partial(prepare, simplify=self._simplify))

        def save(connection: sqlite3.Connection) -> Saved:
            for row in attempt_rows:
                if not connection.execute(_PUT_ATTEMPT, row).rowcount:
                    raise _refusal(connection, task_id)
            if state is not None and is_moved:
                connection.execute(_MOVE_TASK, state)
            if state is not None and not connection.execute(_UPDATE_TASK, state).rowcount:
                raise _refusal(connection, task_id)
            stored, new = insert_prepared(connection, prepared)
            for image in (one for one in stored if one.id in new):
                _insert_event(connection, image_event(image))
            if task is not None and task.status.final:
                connection.execute(_WIPE_ATTEMPTS, (task_id,))
                connection.execute(ADD_USAGE, usage_key(task))
                _insert_event(connection, last_event(task))
            return stored, new

        stored, _ = await self._database.writer.write(save, finish=self._index)
        return stored


def task_addition(task: Task, queue_size: int) -> Query:
    """Return what adds a batch's task in a transaction; a row says that there was room."""
    return f"{_INSERT_BATCH_TASK_IF_ROOM} RETURNING task_id", {**task_to_row(task), "queue_size": queue_size}


class SqliteQueue(SqlQueue):
    """The pending tasks of a database, and all events; those of progress are kept for a day."""

    def __init__(self, database: Database) -> None:
        super().__init__(SqliteSql(database))
        self._database = database

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._woken.clear()
        values = due_moments(now) | {"limit": limit}

        def read(connection: sqlite3.Connection) -> tuple[bool, Demand]:
            earliest, latest = connection.execute(_DEFERRED).fetchone()
            is_due = earliest is not None and (earliest <= values["now"] or latest > values["beyond"])
            processing = dict(execute(connection, _DEMAND, values))
            return is_due, Demand(processing=processing, next_due=optional_moment(earliest))

        is_due, demand = await self._database.read(read)
        if is_due:
            await self._database.writer.execute(_RELEASE_DUE, values)
            _, demand = await self._database.read(read)
        return demand

    async def claim(
        self, node: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        due, limits = due_moments(now), json.dumps(dict(provider_limits))
        values = {"owner": node, "limit": limit, "provider_limits": limits, **due}

        def claim(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            connection.execute(_RELEASE_DUE, due)
            return execute(connection, _CLAIM, values)

        rows = await self._database.writer.write(claim)
        if rows and len(rows) == limit:
            self._woken.set()
        return await claimed_tasks(rows)

    async def publish(self, event: TaskEvent) -> TaskEvent:
        number = await self._database.writer.write(partial(_insert_event, event=event))
        await self.notify(event.task_id)
        return attrs.evolve(event, id=number)


def _insert_event(connection: sqlite3.Connection, event: TaskEvent) -> int:
    """Insert an event and return its id; a final event also purges expired progress events of all tasks."""
    number = connection.execute(_INSERT_EVENT, event_to_row(event)).lastrowid
    if event.kind.final:
        connection.execute(_PURGE_PROGRESS, (to_timestamp(event.at - _PROGRESS_RETENTION),))
    return number or 0


def _refusal(connection: sqlite3.Connection, task_id: str) -> StaleTask | TaskNotFound:
    """Return why a fenced statement of the task has changed nothing."""
    exists = execute(connection, GET_TASK, {"task_id": task_id})
    return StaleTask(task_id) if exists else TaskNotFound(task_id)
