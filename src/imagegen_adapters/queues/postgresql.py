"""A queue over the tasks table of PostgreSQL, from which several nodes claim."""

import json
from collections.abc import Mapping
from datetime import datetime

from imagegen_adapters.queues.wake_signal import WakeSignal
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.listener import Listener
from imagegen_adapters.stores.rows import claimed_tasks, optional_moment, to_timestamp
from imagegen_core.ports.queue import MAX_DEFERRAL, Demand, QueueCounts
from imagegen_core.task import Task
from imagegen_core.text import text_problem

_DEMAND = "SELECT * FROM queue_demand($1, $2, $3)"

_CLAIM = "SELECT * FROM claim_tasks($1, $2, $3, $4, $5)"

_RELEASE_LOCKED = """
UPDATE tasks SET not_before = NULL WHERE status = 'pending' AND not_before IS NOT NULL AND locked
"""

_COUNTS = """
SELECT
    (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NULL)
        + (SELECT count(*) FROM tasks WHERE status = 'pending' AND not_before IS NOT NULL) AS pending,
    (SELECT count(*) FROM tasks WHERE status = 'processing') AS processing
"""

_POSITION = """
SELECT (
    SELECT count(*) + 1 FROM tasks
    WHERE status = 'pending' AND not_before IS NULL
        AND provider_name = mine.provider_name AND seq < mine.seq
)
FROM tasks AS mine WHERE mine.task_id = $1 AND mine.status = 'pending'
"""

_TOPIC = "queue"


class PostgresqlQueue:
    """The pending tasks of ``database``, which must be shared with the task repository.

    What another node enqueues wakes the workers here by a hint; a hint that is lost is made up for by their
    asking again. Without a ``listener`` there are no hints, which is for those that run no tasks.
    """

    def __init__(self, database: Database, listener: Listener | None = None) -> None:
        self._database = database
        self._listener = listener
        self._wake_signal = WakeSignal()
        if listener is not None:
            listener.hear(_TOPIC, self._hear)

    async def enqueue(self, task: Task) -> None:
        self._notify()

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._wake_signal.reset()
        rows = await self._database.rows(_DEMAND, *_moments(now), limit)
        processing = {row["name"]: row["processing"] for row in rows if row["name"] is not None}
        return Demand(processing=processing, next_due=optional_moment(rows[0]["next_due"]))

    async def claim(
        self, owner: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        limits = json.dumps(dict(provider_limits))
        rows = await self._database.rows(_CLAIM, owner, limit, *_moments(now), limits)
        if rows and len(rows) == limit:
            self._wake_signal.notify()
        return await claimed_tasks(rows)

    async def release_locked(self) -> None:
        await self._database.rows(_RELEASE_LOCKED)
        self._notify()

    async def wait(self, timeout: float) -> None:
        await self._wake_signal.wait(timeout)

    async def counts(self) -> QueueCounts:
        (row,) = await self._database.rows(_COUNTS)
        return QueueCounts(pending=row["pending"], processing=row["processing"])

    async def position(self, task_id: str) -> int | None:
        row = None if text_problem(task_id) is not None else await self._database.row(_POSITION, task_id)
        return None if row is None else int(row[0])

    def _notify(self) -> None:
        """Wake the workers of all nodes."""
        self._wake_signal.notify()
        if self._listener is not None:
            self._listener.notify(_TOPIC)

    def _hear(self, _key: str) -> None:
        self._wake_signal.notify()


def _moments(now: datetime) -> tuple[str, str]:
    """Return the time until which deferred tasks are due, and that after which they were deferred too far."""
    return to_timestamp(now), to_timestamp(now + MAX_DEFERRAL)
