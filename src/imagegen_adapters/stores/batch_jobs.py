"""Batch jobs of providers, a row each, in the database of their tasks."""

from collections.abc import Mapping
from datetime import datetime

from imagegen_adapters.stores.rows import from_timestamp, optional_moment, optional_timestamp, to_timestamp
from imagegen_adapters.stores.sql import Row, Sql
from imagegen_core.errors import StaleTask
from imagegen_core.ports.batch_jobs import BatchJob, BatchJobState

_PLAIN = ("job_id", "batch_id", "provider_name", "model_id", "file", "upstream_id", "size_bytes")
_CHANGING = ("state", "look_at", "sent_at", "file", "upstream_id", "size_bytes")
_COLUMNS = (*_PLAIN, "state", "created_at", "look_at", "sent_at")

_ADD = f"""
INSERT INTO batch_jobs ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _COLUMNS)})
"""  # noqa: S608 - columns of our own

_COLLECTING = """
SELECT * FROM batch_jobs WHERE state = 'collecting' AND batch_id = :batch_id ORDER BY seq
"""

_DUE = """
SELECT * FROM batch_jobs WHERE state <> 'ended' AND look_at <= :now
    AND (state <> 'collecting' OR EXISTS (
        SELECT 1 FROM batches WHERE batches.batch_id = batch_jobs.batch_id AND batches.status = 'cancelled'
    ))
    AND NOT EXISTS (
        SELECT 1 FROM batch_jobs AS earlier
        WHERE earlier.state <> 'ended' AND earlier.seq < batch_jobs.seq
            AND earlier.batch_id = batch_jobs.batch_id AND earlier.provider_name = batch_jobs.provider_name
            AND earlier.model_id = batch_jobs.model_id
    )
ORDER BY seq
"""

_SAVE = f"""
UPDATE batch_jobs SET version = version + 1, {", ".join(f"{name} = :{name}" for name in _CHANGING)}
WHERE job_id = :job_id AND version = :version RETURNING *
"""  # noqa: S608 - the same

_TASKS_OUT = """
SELECT provider_name, count(*) AS number FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing' AND owner LIKE 'batch:%' GROUP BY provider_name
"""

_WAKE = """
UPDATE batch_jobs SET look_at = :now WHERE state <> 'ended' AND state <> 'collecting' AND batch_id = :batch_id
"""


class SqlBatchJobs:
    """The table ``batch_jobs``."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add(self, job: BatchJob) -> None:
        values = _values(job)
        await self._sql.change(_ADD, **{name: values[name] for name in _COLUMNS})

    async def collecting(self, batch_id: str) -> tuple[BatchJob, ...]:
        return tuple(map(_job, await self._sql.rows(_COLLECTING, batch_id=batch_id)))

    async def due(self, now: datetime) -> tuple[BatchJob, ...]:
        return tuple(map(_job, await self._sql.rows(_DUE, now=to_timestamp(now))))

    async def save(self, job: BatchJob) -> BatchJob:
        values = _values(job)
        names = ("job_id", "version", *_CHANGING)
        for row in await self._sql.change(_SAVE, **{name: values[name] for name in names}):
            return _job(row)
        raise StaleTask(job.job_id)

    async def tasks_out(self) -> Mapping[str, int]:
        return {row["provider_name"]: row["number"] for row in await self._sql.rows(_TASKS_OUT)}

    async def wake(self, batch_id: str, now: datetime) -> None:
        await self._sql.change(_WAKE, batch_id=batch_id, now=to_timestamp(now))


def _values(job: BatchJob) -> dict[str, object]:
    return {
        **{name: getattr(job, name) for name in (*_PLAIN, "version")},
        "state": str(job.state),
        "created_at": to_timestamp(job.created_at),
        "look_at": to_timestamp(job.look_at),
        "sent_at": optional_timestamp(job.sent_at),
    }


def _job(row: Row) -> BatchJob:
    return BatchJob(
        **{name: row[name] for name in (*_PLAIN, "version")},
        state=BatchJobState(row["state"]),
        created_at=from_timestamp(row["created_at"]),
        look_at=from_timestamp(row["look_at"]),
        sent_at=optional_moment(row["sent_at"]),
    )
