"""Conversion of rows of the totals, of which each currency has its own."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from imagegen_adapters.databases.cost_columns import cost_from_columns
from imagegen_adapters.databases.task_rows import Row
from imagegen_core.costs.cost import Cost
from imagegen_core.costs.usage import Ticks, Usage

Key = TypeVar("Key", int, str)


def usage_by_key(rows: Iterable[Row], kind: type[Key]) -> dict[Key, Usage]:
    """Return the totals of each key."""
    usages: dict[Key, Usage] = {}
    for row in rows:
        key = kind(row["key"])
        usage = _usage(row)
        usages[key] = usages[key].plus(usage) if key in usages else usage
    return usages


def costs_by_task(rows: Iterable[Row]) -> Mapping[str, tuple[Cost, ...]]:
    """Return the costs of each task's attempts."""
    costs: dict[str, tuple[Cost, ...]] = {}
    for row in rows:
        cost = cost_from_columns(row["cost_basis"], row["cost_currency"], row["cost_ticks"])
        if cost is not None:
            costs[row["task_id"]] = (*costs.get(row["task_id"], ()), cost)
    return costs


def _usage(row: Any) -> Usage:
    currencies = {}
    if row["currency"]:
        currencies[row["currency"]] = Ticks(
            known_ticks=_sum(row, "known"),
            estimated_ticks=_sum(row, "estimated"),
            possible_ticks=_sum(row, "possible"),
        )
    return Usage(
        tasks=int(row["tasks"]),
        images=int(row["images"]),
        unknown_attempts=int(row["unknown_attempts"]),
        currencies=currencies,
    )


def _sum(row: Row, name: str) -> int:
    """Return a sum from its high and its low half: whole, it may be more than a column of SQLite holds."""
    return (int(row[f"{name}_high"]) << 32) + int(row[f"{name}_low"])
