"""Progress of long-running work, reported through a callback."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Called with the number of items done and the total; the total is None while it is unknown."""


def no_progress(done: int, total: int | None) -> None:
    """Ignore the report."""
