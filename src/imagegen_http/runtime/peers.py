"""The other nodes, who can be asked what is known to one process alone."""

from collections.abc import Callable
from typing import Protocol


class Peers(Protocol):
    """Nodes answer yes, or not at all."""

    def answer(self, question: str, is_so: Callable[[str], bool]) -> None:
        """Let this node answer a question of others about a subject; a question is one word."""
        ...

    async def ask(self, question: str, subject: str) -> bool:
        """Return whether another node says yes; silence for a second means no."""
        ...


class NoPeers:
    """There are no other nodes."""

    def answer(self, question: str, is_so: Callable[[str], bool]) -> None:
        """Nobody will ask."""

    async def ask(self, question: str, subject: str) -> bool:
        """Nobody says yes."""
        return False
