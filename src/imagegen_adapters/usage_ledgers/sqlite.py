"""What tasks cost, from the table of totals."""

import json
from collections.abc import Collection, Mapping, Sequence

from imagegen_adapters.databases import statements
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.usage_ledgers.rows import costs_by_task, usage_by_key
from imagegen_core.costs.cost import Cost
from imagegen_core.costs.usage import Usage

_TOTALS = """
SELECT {key} AS key, currency, sum(tasks) AS tasks, sum(images) AS images,
    sum(unknown_attempts) AS unknown_attempts,
    sum(known >> 32) AS known_high, sum(known & 4294967295) AS known_low,
    sum(estimated >> 32) AS estimated_high, sum(estimated & 4294967295) AS estimated_low,
    sum(possible >> 32) AS possible_high, sum(possible & 4294967295) AS possible_low
FROM usage_totals
WHERE quarter BETWEEN coalesce(:first, -9e18) AND coalesce(:last, 9e18)
GROUP BY {key}, currency
"""


class SqliteUsageLedger:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        values = (json.dumps(list(task_ids)),)
        rows = await self._database.read(lambda c: c.execute(statements.COSTS_OF_TASKS, values).fetchall())
        return costs_by_task(rows)

    async def by_quarter(self, first: int | None = None, last: int | None = None) -> Mapping[int, Usage]:
        return usage_by_key(await self._totals("quarter", first, last), int)

    async def by_provider(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("provider_name", first, last), str)

    async def by_model(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("model_id", first, last), str)

    async def _totals(self, key: str, first: int | None, last: int | None) -> Sequence[sqlite3.Row]:
        query, bounds = _TOTALS.format(key=key), {"first": first, "last": last}
        return await self._database.read(lambda c: c.execute(query, bounds).fetchall())
