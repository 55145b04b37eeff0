"""How far a long piece of work is, told to whoever wants to see it."""

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Is told how much is done, and of how much; None where nobody knows yet."""


def no_progress(done: int, total: int | None) -> None:
    """Show nothing."""
