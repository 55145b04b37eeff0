"""Pages of a table, newest first, with a total that is exact up to 10,000."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from imagegen_adapters.databases.listing import make_page
from imagegen_adapters.databases.postgresql.database import Database, Row
from imagegen_core.limits import MAX_EXACT_TOTAL
from imagegen_core.search.pages import Page, Paging

_NEWEST = 2**63 - 1

T = TypeVar("T")


async def select_page(
    database: Database,
    table: str,
    conditions: Mapping[str, Any],
    paging: Paging,
    *,
    number: str,
    convert: Callable[[Row], T],
) -> Page[T]:
    """Return a page of the rows whose columns have the values of ``conditions``; None means any.

    ``number`` names the column of increasing integers by which rows are ordered and pages are continued.
    """
    active = {column: value for column, value in conditions.items() if value is not None}
    clause = " AND ".join(f"{column} = ${place}" for place, column in enumerate(active, 1)) or "true"
    before, limit, offset = (f"${len(active) + place}" for place in (1, 2, 3))
    statement = f"""
        SELECT found, page.* FROM (
            SELECT count(*) AS found FROM (
                SELECT FROM {table} WHERE {clause} LIMIT {MAX_EXACT_TOTAL + 1}
            ) AS counted
        ) AS total LEFT JOIN (
            SELECT * FROM {table} WHERE {clause} AND {number} < {before}
            ORDER BY {number} DESC LIMIT {limit} OFFSET {offset}
        ) AS page ON true ORDER BY {number} DESC
    """  # noqa: S608 - constants only; values are bound
    bounds = (_NEWEST if paging.after is None else paging.after, paging.page_size + 1, paging.offset)
    rows = await database.rows(statement, *active.values(), *bounds)
    pairs = [(row[number], convert(row)) for row in rows if row[number] is not None]
    return make_page(pairs, paging, count=rows[0]["found"])
