"""Which tasks have changed: one feed of all of them, for those who follow many."""

from typing import Protocol

import attrs

from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class ChangedTask:
    """A task as it is now; behind it the feed goes on at ``position``."""

    task: Task
    position: int


@attrs.frozen(kw_only=True)
class ChangedTasks:
    """Changes, the oldest first; the feed goes on at ``position``.

    There may be more unless ``has_more`` is False.
    """

    changes: tuple[ChangedTask, ...]
    position: int
    has_more: bool = False


class TaskFeed(Protocol):
    """Each task stands in the feed once, at its latest change; an image of it is a change, too.

    Positions only grow. A change takes its place before it is visible to others, so that none is ever missed;
    near the end of the feed one may be shown twice.
    """

    async def end(self) -> int:
        """Return the position behind all changes so far."""
        ...

    async def since(self, position: int, *, limit: int) -> ChangedTasks:
        """Return the tasks that have changed from the position on, about ``limit`` of them.

        A position beyond the end, as of a database that was restored since, counts as the end.
        """
        ...
