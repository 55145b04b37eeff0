"""What tasks cost, from the table of totals in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence

from imagegen_adapters.stores.postgresql.database import Database, Row
from imagegen_adapters.stores.rows import costs_by_task, usage_by_key
from imagegen_adapters.usage_ledgers.statements import SPAN, SUMS
from imagegen_core.costs import Cost, Usage
from imagegen_core.text import text_problem

_TOTALS = """
SELECT {key} AS key, currency, {sums} FROM usage_totals
WHERE ($1::bigint IS NULL OR quarter >= $1) AND ($2::bigint IS NULL OR quarter <= $2)
GROUP BY {key}, currency
"""

_INTERVALS = f"""
SELECT number - 1 AS key, totals.*
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS interval (first, until, number)
CROSS JOIN LATERAL (
    SELECT currency, {SUMS} FROM usage_totals WHERE quarter >= first AND quarter < until GROUP BY currency
) AS totals
"""  # noqa: S608 - columns of our own
"""An index scan for each interval: joined, each would be compared with all of the table."""

_COSTS = """
SELECT task_id, cost_basis, cost_currency, cost_ticks FROM attempts
WHERE task_id = ANY ($1::text[]) AND charge <> 'none' AND cost_basis IS NOT NULL
ORDER BY seq
"""


class PostgresqlUsageLedger:
    """Reads an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        storable = [task_id for task_id in task_ids if text_problem(task_id) is None]
        return costs_by_task(await self._database.rows(_COSTS, storable))

    async def span(self) -> tuple[int, int] | None:
        row = await self._database.row(SPAN)
        return None if row is None or row["first"] is None else (int(row["first"]), int(row["last"]))

    async def by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        rows = await self._database.rows(_INTERVALS, list(bounds[:-1]), list(bounds[1:]))
        usages = usage_by_key(rows, int)
        return tuple(usages.get(number, Usage()) for number in range(len(bounds) - 1))

    async def by_provider(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("provider_name", first, last), str)

    async def by_model(self, first: int | None = None, last: int | None = None) -> Mapping[str, Usage]:
        return usage_by_key(await self._totals("model_id", first, last), str)

    async def _totals(self, key: str, first: int | None, last: int | None) -> Sequence[Row]:
        return await self._database.rows(_TOTALS.format(key=key, sums=SUMS), first, last)
