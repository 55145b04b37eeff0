"""Pages of a feed, made of rows of tasks."""

from collections.abc import Sequence
from typing import Any

from imagegen_adapters.databases.task_rows import Row, readable_tasks
from imagegen_core.ports.task_feed import ChangedTask, ChangedTasks


def changed_tasks(rows: Sequence[Row], column: str, *, end: int, limit: int) -> ChangedTasks:
    """Return a page of rows in the order of ``column``, the number of their change; the feed ends at ``end``.

    Behind a task the feed goes on where the next one stands: several may share a number, and come again then.
    """
    has_more = len(rows) >= limit
    numbers: list[Any] = [row[column] for row in rows]
    following = [*numbers[1:], numbers[-1] + 1 if has_more else end] if rows else []
    changes = [
        ChangedTask(task=task, position=position)
        for row, position in zip(rows, following, strict=True)
        for task in readable_tasks([row])
    ]
    return ChangedTasks(changes=tuple(changes), position=following[-1] if rows else end, has_more=has_more)
