"""A queue over the tasks table: a pending task is a queued task."""

import json
from collections.abc import Mapping
from datetime import datetime

from imagegen_adapters.databases import statements
from imagegen_adapters.queues.wake_signal import WakeSignal
from imagegen_adapters.stores.rows import claimed_tasks, optional_moment, to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.ports.queue import MAX_DEFERRAL, Demand, QueueCounts
from imagegen_core.task import Task


class SqliteQueue:
    """The pending tasks of ``database``, which must be shared with the task repository."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake_signal = WakeSignal()

    async def enqueue(self, task: Task) -> None:
        self._wake_signal.notify()

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._wake_signal.reset()
        values = {"now": to_timestamp(now), "beyond": to_timestamp(now + MAX_DEFERRAL), "limit": limit}

        def read(connection: sqlite3.Connection) -> tuple[bool, Demand]:
            (is_due,) = connection.execute(statements.IS_ANY_DEFERRED_DUE, values).fetchone()
            (next_due,) = connection.execute(statements.NEXT_DUE).fetchone()
            rows = connection.execute(statements.DEMAND, values).fetchall()
            processing = {row["provider_name"]: row["processing"] for row in rows}
            return bool(is_due), Demand(processing=processing, next_due=optional_moment(next_due))

        is_due, demand = await self._database.read(read)
        if is_due:
            await self._database.writer.execute(statements.RELEASE_DUE, values)
            _, demand = await self._database.read(read)
        return demand

    async def claim(
        self, owner: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        limits = json.dumps(dict(provider_limits))
        due = {"now": to_timestamp(now), "beyond": to_timestamp(now + MAX_DEFERRAL)}
        values = {"owner": owner, "limit": limit, "now": due["now"], "provider_limits": limits}

        def claim(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            connection.execute(statements.RELEASE_DUE, due)
            return connection.execute(statements.CLAIM, values).fetchall()

        rows = await self._database.writer.write(claim)
        if rows and len(rows) == limit:
            self._wake_signal.notify()
        return await claimed_tasks(rows)

    async def release_locked(self) -> None:
        await self._database.writer.execute(statements.RELEASE_LOCKED)
        self._wake_signal.notify()

    async def wait(self, timeout: float) -> None:
        await self._wake_signal.wait(timeout)

    async def counts(self) -> QueueCounts:
        rows = await self._database.probe(lambda c: c.execute(statements.COUNTERS).fetchall())
        counters: dict[str, int] = {row["name"]: row["value"] for row in rows}
        return QueueCounts(pending=counters["pending"], processing=counters["processing"])

    async def position(self, task_id: str) -> int | None:
        row = await self._database.read(lambda c: c.execute(statements.POSITION, (task_id,)).fetchone())
        return None if row is None else int(row[0])
