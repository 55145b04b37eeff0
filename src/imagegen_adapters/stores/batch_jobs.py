"""Batch jobs of providers, a row each, in the database of their tasks."""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_adapters.stores.rows import from_timestamp, optional_moment, optional_timestamp, to_timestamp
from imagegen_adapters.stores.sql import Row, Sql
from imagegen_core.errors import StaleTask
from imagegen_core.ports.batch_jobs import OWNER_PREFIX, BatchJob

_COLUMNS = tuple(field.name for field in attrs.fields(BatchJob))

_ADD = f"""
INSERT INTO batch_jobs ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _COLUMNS)})
"""  # noqa: S608 - columns of our own

_SAVE = """
UPDATE batch_jobs SET version = version + 1, sent_at = :sent_at, file = :file, upstream_id = :upstream_id
WHERE job_id = :job_id AND version = :version RETURNING *
"""

_REMOVE = """
DELETE FROM batch_jobs WHERE job_id = :job_id AND NOT EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_by_status WHERE status = 'processing' AND owner = :owner
) RETURNING job_id
"""

_MISSING = """
SELECT batch_id, provider_name, model_id FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing' AND owner = 'batch:'
EXCEPT SELECT batch_id, provider_name, model_id FROM batch_jobs WHERE file IS NULL
"""

_TASKS_OUT = """
SELECT provider_name, count(*) AS number FROM tasks INDEXED BY tasks_by_status
WHERE status = 'processing' AND owner LIKE 'batch:%' GROUP BY provider_name
"""


class SqlBatchJobs:
    """The table ``batch_jobs``."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add(self, job: BatchJob) -> None:
        await self._sql.change(_ADD, **_values(job))

    async def all(self) -> tuple[BatchJob, ...]:
        return tuple(map(_job, await self._sql.rows("SELECT * FROM batch_jobs ORDER BY seq")))

    async def save(self, job: BatchJob) -> BatchJob:
        for row in await self._sql.change(_SAVE, **_values(job)):
            return _job(row)
        raise StaleTask(job.job_id)

    async def remove(self, job_id: str) -> bool:
        return bool(await self._sql.change(_REMOVE, job_id=job_id, owner=OWNER_PREFIX + job_id))

    async def missing(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(map(dict, await self._sql.rows(_MISSING)))

    async def tasks_out(self) -> Mapping[str, int]:
        return {row["provider_name"]: row["number"] for row in await self._sql.rows(_TASKS_OUT)}


def _values(job: BatchJob) -> dict[str, object]:
    moments = {"created_at": to_timestamp(job.created_at), "sent_at": optional_timestamp(job.sent_at)}
    return attrs.asdict(job) | moments


def _job(row: Row) -> BatchJob:
    moments = {"created_at": from_timestamp(row["created_at"]), "sent_at": optional_moment(row["sent_at"])}
    return BatchJob(**{name: row[name] for name in _COLUMNS} | moments)
