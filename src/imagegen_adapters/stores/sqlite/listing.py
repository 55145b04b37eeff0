"""Pages of a table, newest first, with a total that is exact up to 10,000."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from imagegen_adapters.stores.rows import make_page
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.limits import MAX_EXACT_TOTAL
from imagegen_core.search import Page, Paging

T = TypeVar("T")


def select_page(
    connection: sqlite3.Connection,
    table: str,
    conditions: Mapping[str, Any],
    paging: Paging,
    *,
    number: str,
    convert: Callable[[sqlite3.Row], T],
) -> Page[T]:
    """Return a page of the rows that meet all conditions.

    ``conditions`` maps a condition with one ``?`` to its value; a value of None drops the condition.
    ``number`` names the column of increasing integers by which rows are ordered and pages are continued.
    """
    active = {condition: value for condition, value in conditions.items() if value is not None}
    clause = " AND ".join(active) or "1"
    values = tuple(active.values())
    counting = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {clause} LIMIT {MAX_EXACT_TOTAL + 1})"  # noqa: S608 - constants only; values are bound
    selecting = (
        f"SELECT * FROM {table} WHERE {clause} AND {number} < ? "  # noqa: S608 - as above
        f"ORDER BY {number} DESC LIMIT ? OFFSET ?"
    )
    (count,) = connection.execute(counting, values).fetchone()
    before = 2**63 - 1 if paging.after is None else paging.after
    bounds = (before, paging.page_size + 1, paging.offset)
    rows = connection.execute(selecting, (*values, *bounds)).fetchall()
    return make_page([(row[number], convert(row)) for row in rows], paging, count=count)
