"""Tasks and their queue in PostgreSQL: each change is one call of a function there."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs

from imagegen_adapters.stores.postgresql.cluster import POLL_SECONDS, Listener
from imagegen_adapters.stores.postgresql.database import Batches, Database, Row, json_argument
from imagegen_adapters.stores.postgresql.search import images_to_json, stored_images
from imagegen_adapters.stores.rows import (
    attempt_to_row,
    claim_to_row,
    claimed_tasks,
    event_to_row,
    optional_moment,
    task_state,
    task_to_row,
)
from imagegen_adapters.stores.sql import PostgresqlSql, Query
from imagegen_adapters.stores.tasks import USAGE_SUMS, SqlQueue, SqlTasks, due_moments
from imagegen_core.attempt import Attempt
from imagegen_core.errors import IdempotencyKeyReused, QueueFull, StaleTask, StorageError, TaskNotFound
from imagegen_core.images import Image
from imagegen_core.ports.cluster import CANCELLATIONS
from imagegen_core.ports.queue import Demand
from imagegen_core.ports.tasks import AddedTask, IdempotencyClaim
from imagegen_core.search import Simplify
from imagegen_core.task import Fence, Task, TaskEvent, TaskStatus, last_event

_TASKS, _EVENTS = "queue", "events"
"""Topics of hints: a task waits; a task has a new event."""

_COUNTS = """
SELECT status, count(*) AS number FROM tasks WHERE status = ANY (:statuses::text[]) GROUP BY status
"""

_LAST_EVENT_IDS = """
SELECT followed.task_id, last.id FROM unnest(:task_ids::text[]) AS followed (task_id)
CROSS JOIN LATERAL (
    SELECT id FROM events WHERE events.task_id = followed.task_id ORDER BY id DESC LIMIT 1
) AS last
"""


class PostgresqlTasks(SqlTasks):
    """Stores tasks; a position of the feed is the number of the last transaction that changed a task.

    The feed ends at the oldest open transaction, since every one before it is visible. A long transaction in
    any database of the server delays the feed, but nothing is missed. Waiting adds share one transaction;
    nodes add one after the other, so that the size of the queue is exact. The ``listener`` tells nodes about
    requested cancellations; without one, they find out by `cancel_requests`.
    """

    FEED_END = "SELECT oldest_transaction() AS position"

    CHANGES = f"""
    SELECT feed.position, page.* FROM ({FEED_END}) AS feed LEFT JOIN LATERAL (
        SELECT changed_by AS change, * FROM tasks WHERE changed_by >= :since AND changed_by < feed.position
        ORDER BY changed_by FETCH FIRST (:limit::integer) ROWS WITH TIES
    ) AS page ON true ORDER BY change
    """  # noqa: S608 - constants only

    # An index scan for each interval: joined, each would be compared with all of the table.
    USAGE_BY_INTERVAL = f"""
    SELECT number - 1 AS key, totals.* FROM (
        SELECT number, bound AS first, lead(bound) OVER (ORDER BY number) AS until
        FROM unnest(:bounds::bigint[]) WITH ORDINALITY AS bounds (bound, number)
    ) AS interval CROSS JOIN LATERAL (
        SELECT currency, {USAGE_SUMS} FROM usage_totals
        WHERE quarter >= first AND quarter < until GROUP BY currency
    ) AS totals
    """  # noqa: S608 - the same

    def __init__(self, database: Database, listener: Listener | None = None, *, simplify: Simplify) -> None:
        super().__init__(PostgresqlSql(database))
        self._database = database
        self._listener = listener
        self._simplify = simplify
        self._adds = Batches(self._add_all)

    async def add(self, task: Task, *, queue_size: int, claim: IdempotencyClaim | None = None) -> AddedTask:
        added = await self._adds.call(_addition(task, queue_size, claim))
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
        return await self._database.rows("SELECT * FROM add_tasks($1)", f"[{','.join(additions)}]")

    async def counts(self, statuses: Collection[TaskStatus] = tuple(TaskStatus)) -> Mapping[TaskStatus, int]:
        rows = await self._sql.rows(_COUNTS, statuses=[str(status) for status in statuses])
        numbers: dict[str, int] = {row["status"]: row["number"] for row in rows}
        return {status: numbers.get(status, 0) for status in statuses}

    async def save(
        self,
        fence: Fence,
        *,
        task: Task | None = None,
        attempts: Sequence[Attempt] = (),
        images: Sequence[Image] = (),
    ) -> tuple[Image, ...]:
        task_id = attempts[0].task_id if task is None else task.task_id
        event = None if task is None or not task.status.final else event_to_row(last_event(task))
        function = "save_task" if task is None or task.earlier_attempts is None else "save_moved_task"
        (row,) = await self._database.rows(
            f"SELECT * FROM {function}($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608 - one of the two
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
        return await stored_images(self._database.row, images, row["image_ids"] or ())

    async def request_cancel(self, task_id: str) -> Task:
        task = await super().request_cancel(task_id)
        if self._listener is not None:
            self._listener.notify(CANCELLATIONS, task_id)
        return task


def task_addition(task: Task, queue_size: int) -> Query:
    """Return what adds a batch's task in a transaction; a row says that there was room."""
    adding = "SELECT outcome FROM add_tasks(:additions) WHERE outcome = 'added'"
    return adding, {"additions": f"[{_addition(task, queue_size)}]"}


def _addition(task: Task, queue_size: int, claim: IdempotencyClaim | None = None) -> str:
    claim_row = None if claim is None else claim_to_row(claim, task)
    return json_argument({"task": task_to_row(task), "claim": claim_row, "queue_size": queue_size})


class PostgresqlQueue(SqlQueue):
    """The pending tasks of a database, from which several nodes claim, and the events of all.

    Hints wake the waiters of other nodes. A lost hint only delays: workers ask again, and one poll a second
    looks for all followed tasks. Processes that neither run nor follow tasks need no ``listener``.

    Events of a task are added under one lock until their transaction ends, in batches. So their ids become
    visible in order, and "newer than the last one read" misses none. An event after the final one is dropped;
    its id stays 0.
    """

    def __init__(self, database: Database, listener: Listener | None = None) -> None:
        super().__init__(PostgresqlSql(database))
        self._database = database
        self._listener = listener
        self._publications = Batches(self._publish_all)
        self._polling: asyncio.Task[None] | None = None
        if listener is not None:
            listener.hear(_TASKS, lambda _: self._woken.set())
            listener.hear(_EVENTS, self._tell)  # the poll finds what a hint about all means

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._woken.clear()
        asking = "SELECT * FROM queue_demand(:now, :beyond, :limit)"
        rows = await self._sql.change(asking, limit=limit, **due_moments(now))
        processing = {row["name"]: row["processing"] for row in rows if row["name"] is not None}
        return Demand(processing=processing, next_due=optional_moment(rows[0]["next_due"]))

    async def claim(
        self, node: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        claiming = "SELECT * FROM claim_tasks(:node, :limit, :now, :beyond, :limits)"
        limits = json.dumps(dict(provider_limits))
        rows = await self._sql.change(claiming, node=node, limit=limit, limits=limits, **due_moments(now))
        if rows and len(rows) == limit:
            self._woken.set()
        return await claimed_tasks(rows)

    async def wake(self, *, locked: bool = False) -> None:
        await super().wake(locked=locked)
        if self._listener is not None:
            self._listener.notify(_TASKS)

    async def publish(self, event: TaskEvent) -> TaskEvent:
        row = await self._publications.call(json_argument(event_to_row(event)))
        await self.notify(event.task_id)
        return attrs.evolve(event, id=row["id"] or 0)

    async def _publish_all(self, events: Sequence[str]) -> list[Row]:
        return await self._database.rows("SELECT publish_events($1) AS id", f"[{','.join(events)}]")

    async def notify(self, task_id: str) -> None:
        if self._listener is not None:
            self._listener.notify(_EVENTS, task_id)

    def _look_for_missed_hints(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="events")

    async def _poll(self) -> None:
        last_ids: dict[str, int] = {}
        while task_ids := list(self._followers):
            rows = []
            with suppress(StorageError):  # the next look may succeed
                rows = await self._sql.rows(_LAST_EVENT_IDS, task_ids=task_ids)
            for row in rows:
                if last_ids.get(row["task_id"]) != row["id"]:
                    self._tell(row["task_id"])
            last_ids = {row["task_id"]: row["id"] for row in rows}
            await asyncio.sleep(POLL_SECONDS)


def _attempt(attempt: Attempt) -> dict[str, Any]:
    row = attempt_to_row(attempt)
    content = row["response"]
    return {**row, "response": None if content is None else f"\\x{content.hex()}"}
