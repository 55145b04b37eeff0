"""Pages of a table or a list, newest first, with a total that is exact up to ten thousand."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar

from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_core.search.pages import Page, Paging

MAX_EXACT_TOTAL = 10_000
"""More than so many are only counted as "at least"."""

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

    ``conditions`` maps a condition with one ``?`` to its value; conditions on None are left out.
    ``number`` names the column of growing integers that the table is ordered and continued by.
    """
    criteria = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(criteria) or "1"
    values = tuple(criteria.values())
    # Every name in these texts is a constant of ours; values are always bound.
    counting = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT {MAX_EXACT_TOTAL + 1})"  # noqa: S608
    selecting = (
        f"SELECT * FROM {table} WHERE {where} AND {number} < ? "  # noqa: S608
        f"ORDER BY {number} DESC LIMIT ? OFFSET ?"
    )
    (found,) = connection.execute(counting, values).fetchone()
    before = 2**63 - 1 if paging.after is None else paging.after
    bounds = (before, paging.page_size + 1, paging.offset)
    rows = connection.execute(selecting, (*values, *bounds)).fetchall()
    return make_page([(row[number], convert(row)) for row in rows], paging, found=found)


def list_page(numbered: Iterable[tuple[int, T]], paging: Paging) -> Page[T]:
    """Return a page of ``(number, item)`` pairs that come newest first."""
    pairs = list(numbered)
    later = pairs if paging.after is None else [pair for pair in pairs if pair[0] < paging.after]
    shown = list(islice(later, paging.offset, paging.offset + paging.page_size + 1))
    return make_page(shown, paging, found=len(pairs))


def make_page(shown: list[tuple[int, T]], paging: Paging, *, found: int) -> Page[T]:
    """Return the page of up to one more ``(number, item)`` than it holds, the total cut at ten thousand."""
    kept = shown[: paging.page_size]
    return Page(
        items=tuple(item for _, item in kept),
        total=min(found, MAX_EXACT_TOTAL),
        total_is_exact=found <= MAX_EXACT_TOTAL,
        has_more=len(shown) > len(kept),
        last=kept[-1][0] if kept else None,
    )
