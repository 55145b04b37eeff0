"""What tasks cost, from the table of totals."""

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from imagegen_adapters.databases import statements
from imagegen_adapters.stores.rows import costs_by_task, usage_by_key
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.usage_ledgers.statements import SPAN, SUMS
from imagegen_core.costs import Cost, Usage

_TOTALS = """
SELECT {key} AS key, currency, {sums} FROM usage_totals
WHERE quarter BETWEEN coalesce(:first, -9e18) AND coalesce(:last, 9e18)
GROUP BY {key}, currency
"""

_INTERVALS = f"""
SELECT interval.key AS key, currency, {SUMS}
FROM json_each(?) AS interval CROSS JOIN usage_totals
WHERE quarter >= json_extract(interval.value, '$[0]') AND quarter < json_extract(interval.value, '$[1]')
GROUP BY interval.key, currency
"""  # noqa: S608 - columns of our own


class SqliteUsageLedger:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        values = (json.dumps(list(task_ids)),)
        rows = await self._database.read(lambda c: c.execute(statements.COSTS_OF_TASKS, values).fetchall())
        return costs_by_task(rows)

    async def span(self) -> tuple[int, int] | None:
        row = await self._database.read(lambda c: c.execute(SPAN).fetchone())
        return None if row is None or row["first"] is None else (int(row["first"]), int(row["last"]))

    async def by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        values = (json.dumps(list(pairwise(bounds))),)
        rows = await self._database.read(lambda c: c.execute(_INTERVALS, values).fetchall())
        usages = usage_by_key(rows, int)
        return tuple(usages.get(number, Usage()) for number in range(len(bounds) - 1))

    async def by_provider(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("provider_name", first, last), str)

    async def by_model(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("model_id", first, last), str)

    async def _totals(self, key: str, first: int | None, last: int | None) -> Sequence[sqlite3.Row]:
        query, bounds = _TOTALS.format(key=key, sums=SUMS), {"first": first, "last": last}
        return await self._database.read(lambda c: c.execute(query, bounds).fetchall())
