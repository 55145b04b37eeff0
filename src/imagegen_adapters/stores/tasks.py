"""Tasks, their queue and their events in a database; a pending task is a queued task.

The statements on which the speed of the service depends are each database's own.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import attrs

from imagegen_adapters.stores.rows import (
    cost_from_columns,
    make_page,
    newest_rows,
    parsed,
    readable_tasks,
    row_to_attempt,
    row_to_event,
    row_to_task,
    to_timestamp,
)
from imagegen_adapters.stores.sql import NEWEST, Row, SharedReads, Sql
from imagegen_core.attempt import Attempt
from imagegen_core.costs import Cost, Ticks, Usage, UsageGrouping
from imagegen_core.errors import IdempotencyKeyReused, TaskNotFound, text_problem
from imagegen_core.ports.queue import MAX_DEFERRAL
from imagegen_core.ports.tasks import ChangedTask, ChangedTasks, IdempotencyClaim, StoredKey, TaskFilter
from imagegen_core.search import Page, Paging
from imagegen_core.task import Task, TaskEvent

Key = TypeVar("Key", int, str)

GET_TASK = "SELECT * FROM tasks WHERE task_id = :task_id"
_TASKS = "SELECT * FROM tasks WHERE task_id = ANY (:task_ids::text[])"

_ATTEMPTS = "SELECT * FROM attempts WHERE task_id = :task_id ORDER BY seq"

_REQUEST_CANCEL = """
UPDATE tasks SET cancel_requested = cancel_requested OR status = 'processing' WHERE task_id = :task_id
RETURNING *
"""

_CANCEL_REQUESTS = """
SELECT task_id FROM tasks WHERE task_id = ANY (:task_ids::text[]) AND status = 'processing' AND
cancel_requested
"""

_ORPHANS = """
SELECT * FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing'
    AND coalesce(owner, '') NOT LIKE 'batch:%'
    AND coalesce(owner, '') <> ALL (:alive::text[]) AND task_id <> ALL (:running::text[])
ORDER BY seq
"""

# An index has exactly these rows, so old ones are found without visiting the others.
_KEPT_RESPONSES = "response IS NOT NULL AND phase IN ('stored', 'failed') AND updated_at < :before"

_KEPT_RESPONSE = f"SELECT 1 FROM attempts WHERE {_KEPT_RESPONSES} LIMIT 1"  # noqa: S608 - a condition of our own

_WIPE_RESPONSES = f"UPDATE attempts SET response = NULL WHERE {_KEPT_RESPONSES}"  # noqa: S608 - the same

# ---------------------------------------------------------------- keys

# A cross join lets SQLite look for the keys first.

TASK_OF_KEY = """
SELECT body_sha256, tasks.* FROM idempotency_keys CROSS JOIN tasks
WHERE idempotency_keys.task_id = tasks.task_id AND scope = :scope AND key = :key AND expires_at > :now
"""

_KEYS = """
SELECT idempotency_keys.key, idempotency_keys.task_id FROM idempotency_keys CROSS JOIN tasks
WHERE idempotency_keys.task_id = tasks.task_id
    AND scope = :scope AND key >= :first AND key < :last AND expires_at > :now
"""

_NEWEST_KEYS = f"{_KEYS} ORDER BY tasks.seq DESC LIMIT 20"

_UNANSWERED_KEYS = f"""
{_KEYS} AND answered_at IS NULL AND (tasks.completed_at IS NULL OR tasks.completed_at > :ended_since)
ORDER BY tasks.seq LIMIT 2000
"""

_MARK_ANSWERED = (
    "UPDATE idempotency_keys SET answered_at = :at WHERE task_id = :task_id AND answered_at IS NULL"
)

_AFTER_ANY = "\x7f"
"""Sorts after every character that a key may contain."""

# ---------------------------------------------------------------- costs

_COSTS = """
SELECT task_id, cost_basis, cost_currency, cost_ticks FROM attempts
WHERE task_id = ANY (:task_ids::text[]) AND charge <> 'none' AND cost_basis IS NOT NULL ORDER BY seq
"""

USAGE_SUMS = """
    sum(tasks) AS tasks, sum(images) AS images, sum(failed) AS failed,
    sum(unknown_attempts) AS unknown_attempts,
    sum(known >> 32) AS known_high, sum(known & 4294967295) AS known_low,
    sum(estimated >> 32) AS estimated_high, sum(estimated & 4294967295) AS estimated_low,
    sum(possible >> 32) AS possible_high, sum(possible & 4294967295) AS possible_low
"""
"""Amounts in halves: a sum may exceed what a column of SQLite holds."""

_USAGE_COLUMNS = {UsageGrouping.PROVIDER: "provider_name", UsageGrouping.MODEL: "model_id"}

_USAGE = f"""
SELECT {{key}} AS key, currency, {USAGE_SUMS} FROM usage_totals
WHERE quarter BETWEEN :first AND :last GROUP BY {{key}}, currency
"""  # noqa: S608 - columns of our own

_USAGE_SPAN = """
SELECT (SELECT min(quarter) FROM usage_totals) AS first, (SELECT max(quarter) FROM usage_totals) AS last
"""


class SqlTasks:
    """The tables of tasks, attempts, idempotency keys and usage totals.

    A request never changes: `save` does not update request, provider, creation time and `retry_of`.

    Each database has its own `add`, `save`, `counts`, and three statements. ``FEED_END`` selects the
    ``position`` after all changes. ``CHANGES`` selects about ``:limit`` changed tasks from ``:since`` on,
    with ``change`` and ``position``; without any, one row of nulls with the position. ``USAGE_BY_INTERVAL``
    selects the sums between two ``:bounds``, with the index of the first as ``key``.
    """

    FEED_END: str
    CHANGES: str
    USAGE_BY_INTERVAL: str

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._by_id = SharedReads[str](lambda ids: sql.rows(_TASKS, task_ids=ids), key="task_id")

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        rows = await self._sql.rows(TASK_OF_KEY, scope=claim.scope, key=claim.key, now=to_timestamp(now))
        return task_of_key(rows, claim)

    async def keys(
        self, scope: str, prefix: str, *, now: datetime, unanswered_since: datetime | None = None
    ) -> tuple[StoredKey, ...]:
        values = {"scope": scope, "first": prefix, "last": prefix + _AFTER_ANY, "now": to_timestamp(now)}
        statement = _NEWEST_KEYS
        if unanswered_since is not None:
            statement, values["ended_since"] = _UNANSWERED_KEYS, to_timestamp(unanswered_since)
        rows = await self._sql.rows(statement, **values)
        return tuple(StoredKey(key=row["key"], task_id=row["task_id"]) for row in rows)

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        await self._sql.change(_MARK_ANSWERED, task_id=task_id, at=to_timestamp(at))

    async def get(self, task_id: str) -> Task:
        return _the_task(await self._by_id.rows(task_id), task_id)

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        chosen, span = _with_times(criteria)
        rows, count = await newest_rows(self._sql, "SELECT * FROM tasks", chosen, paging, span=span)
        pairs = await parsed(rows, lambda rows: [(row["seq"], row_to_task(row)) for row in rows])
        return make_page(pairs, paging, count=count)

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        return tuple(map(row_to_attempt, await self._sql.rows(_ATTEMPTS, task_id=task_id)))

    async def request_cancel(self, task_id: str) -> Task:
        if text_problem(task_id) is not None:
            raise TaskNotFound(task_id)
        return _the_task(await self._sql.change(_REQUEST_CANCEL, task_id=task_id), task_id)

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        rows = await self._sql.rows(_CANCEL_REQUESTS, task_ids=list(task_ids))
        return frozenset(row["task_id"] for row in rows)

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        return readable_tasks(await self._sql.rows(_ORPHANS, alive=list(alive), running=list(running)))

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        before = to_timestamp(ended_before)
        # Checked first: this is called often, and a write that changes nothing is a commit all the same.
        if await self._sql.rows(_KEPT_RESPONSE, before=before):
            await self._sql.change(_WIPE_RESPONSES, before=before)

    async def changes(self, since: int | None = None, *, limit: int = 100) -> ChangedTasks:
        if since is None:
            ((end,),) = await self._sql.rows(self.FEED_END)
            return ChangedTasks(position=int(end))
        rows = await self._sql.rows(self.CHANGES, since=since, limit=limit)
        return _changed_tasks([row for row in rows if row["change"] is not None], rows[0]["position"], limit)

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        costs: dict[str, list[Cost]] = defaultdict(list)
        for task_id, *columns in await self._sql.rows(_COSTS, task_ids=list(task_ids)):
            if (cost := cost_from_columns(*columns)) is not None:
                costs[task_id].append(cost)
        return {task_id: tuple(parts) for task_id, parts in costs.items()}

    async def usage(
        self, by: UsageGrouping, *, first: int | None = None, last: int | None = None
    ) -> Mapping[str, Usage]:
        bounds = {"first": -NEWEST if first is None else first, "last": NEWEST if last is None else last}
        return _usage_by_key(await self._sql.rows(_USAGE.format(key=_USAGE_COLUMNS[by]), **bounds), str)

    async def usage_by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        usages = _usage_by_key(await self._sql.rows(self.USAGE_BY_INTERVAL, bounds=list(bounds)), int)
        return tuple(usages[number] for number in range(len(bounds) - 1))

    async def usage_span(self) -> tuple[int, int] | None:
        ((first, last),) = await self._sql.rows(_USAGE_SPAN)
        return None if first is None else (int(first), int(last))


def task_of_key(rows: Sequence[Row], claim: IdempotencyClaim) -> Task | None:
    """Return the task of a claim from the rows of `TASK_OF_KEY`; refuse a key that had another body."""
    if not rows:
        return None
    if claim.body_sha256 not in (None, rows[0]["body_sha256"]):
        raise IdempotencyKeyReused
    return row_to_task(rows[0])


_TIME_SLACK = timedelta(minutes=1)

_SINCE = """
    created_at >= :since AND seq >= (SELECT min(seq) FROM (
        SELECT seq FROM tasks WHERE task_id >= :first_id ORDER BY task_id LIMIT 100) AS first)
"""
_UNTIL = """
    created_at < :until AND seq <= (SELECT max(seq) FROM (
        SELECT seq FROM tasks WHERE task_id < :last_id ORDER BY task_id DESC LIMIT 100) AS last)
"""


def _with_times(criteria: TaskFilter) -> tuple[dict[str, Any], str]:
    """Return the values of a filter, and its condition on times.

    An id begins with its time, so the index of ids finds where a span begins and ends in the list. The slack
    is for nodes whose clocks differ, and the hundred for tasks that were stored late.
    """
    chosen = attrs.asdict(criteria)
    since, until = chosen.pop("created_from"), chosen.pop("created_to")
    if since is not None:
        chosen |= {"since": to_timestamp(since), "first_id": _id_prefix(since - _TIME_SLACK)}
    if until is not None:
        chosen |= {"until": to_timestamp(until), "last_id": _id_prefix(until + _TIME_SLACK)}
    conditions = [text for text, moment in ((_SINCE, since), (_UNTIL, until)) if moment is not None]
    return chosen, " AND ".join(conditions)


def _id_prefix(moment: datetime) -> str:
    """Return how the ids (UUIDv7) of a moment begin."""
    digits = f"{max(0, int(moment.timestamp() * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def _the_task(rows: Sequence[Row], task_id: str) -> Task:
    if not rows:
        raise TaskNotFound(task_id)
    return row_to_task(rows[0])


def _changed_tasks(rows: Sequence[Row], end: int, limit: int) -> ChangedTasks:
    """Return a page of the feed; a task's position is the next one's, since several share a number."""
    has_more = len(rows) >= limit
    numbers: list[int] = [row["change"] for row in rows]
    following = [*numbers[1:], numbers[-1] + 1 if has_more else end] if rows else []
    changes = [
        ChangedTask(task=task, position=position)
        for row, position in zip(rows, following, strict=True)
        for task in readable_tasks([row])
    ]
    return ChangedTasks(changes=tuple(changes), position=following[-1] if rows else end, has_more=has_more)


def _usage_by_key(rows: Iterable[Row], kind: type[Key]) -> dict[Key, Usage]:
    usages: dict[Key, Usage] = defaultdict(Usage)
    for row in rows:
        usages[kind(row["key"])] = usages[kind(row["key"])].plus(_usage(row))
    return usages


def _usage(row: Row) -> Usage:
    ticks = {
        f"{kind}_ticks": (int(row[f"{kind}_high"]) << 32) + int(row[f"{kind}_low"])
        for kind in ("known", "estimated", "possible")
    }
    return Usage(
        tasks=int(row["tasks"]),
        images=int(row["images"]),
        failed=int(row["failed"]),
        unknown_attempts=int(row["unknown_attempts"]),
        currencies={row["currency"]: Ticks(**ticks)} if row["currency"] else {},
    )


# ---------------------------------------------------------------- the queue and events

_RELEASE_LOCKED = """
UPDATE tasks INDEXED BY tasks_put_off SET not_before = NULL
WHERE status = 'pending' AND not_before IS NOT NULL AND locked
"""

_POSITION = """
SELECT (
    SELECT count(*) + 1 FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
        AND provider_name = mine.provider_name AND claim_order = mine.claim_order AND seq < mine.seq
) + (
    SELECT count(*) FROM tasks INDEXED BY tasks_ready
    WHERE status = 'pending' AND not_before IS NULL
        AND provider_name = mine.provider_name AND claim_order < mine.claim_order
)
FROM tasks AS mine WHERE mine.task_id = :task_id AND mine.status = 'pending'
"""

_EVENTS_AFTER = "SELECT * FROM events WHERE task_id = :task_id AND id > :after ORDER BY id LIMIT 500"

_LAST_EVENT = "SELECT * FROM events WHERE task_id = :task_id ORDER BY id DESC LIMIT 1"


class SqlQueue:
    """The common part of both databases' queues, without demand, claims and `publish`.

    ``_woken`` is cleared before workers look for tasks, never after: none misses one that is added meanwhile.
    """

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._woken = asyncio.Event()
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def position(self, task_id: str) -> int | None:
        rows = await self._sql.rows(_POSITION, task_id=task_id)
        return int(rows[0][0]) if rows else None

    async def wake(self, *, locked: bool = False) -> None:
        if locked:
            await self._sql.change(_RELEASE_LOCKED)
        self._woken.set()

    async def wait(self, timeout: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._woken.wait()

    async def notify(self, task_id: str) -> None:
        self._tell(task_id)

    def _tell(self, task_id: str) -> None:
        for changed in self._followers.get(task_id, ()):
            changed.set()

    @contextmanager
    def follow(self, task_id: str) -> Iterator[asyncio.Event]:
        self._followers[task_id].add(changed := asyncio.Event())
        self._look_for_missed_hints()
        try:
            yield changed
        finally:
            self._followers[task_id].discard(changed)
            if not self._followers[task_id]:
                del self._followers[task_id]

    async def events(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self.follow(task_id) as changed:
            while True:
                changed.clear()
                rows = await self._sql.rows(_EVENTS_AFTER, task_id=task_id, after=after)
                for event in map(row_to_event, rows):
                    after = event.id
                    yield event
                    if event.kind.final:
                        return
                if rows:
                    continue
                last = await self._last_event(task_id) if after else None
                if last is None or (last.id <= after and not last.kind.final):
                    await changed.wait()
                elif last.id <= after:
                    if last.id < after:  # ids that the database lost, such as in a crash, are assigned again
                        yield last
                    return

    async def last_event_id(self, task_id: str) -> int:
        last = await self._last_event(task_id)
        return last.id if last else 0

    def _look_for_missed_hints(self) -> None:
        """Poll while tasks are followed, where other processes store events, too."""

    async def _last_event(self, task_id: str) -> TaskEvent | None:
        rows = await self._sql.rows(_LAST_EVENT, task_id=task_id)
        return row_to_event(rows[0]) if rows else None


def due_moments(now: datetime) -> dict[str, Any]:
    """Return until when deferred tasks are due, and after when they were deferred too far."""
    return {"now": to_timestamp(now), "beyond": to_timestamp(now + MAX_DEFERRAL)}
