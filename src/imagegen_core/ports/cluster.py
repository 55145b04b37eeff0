"""The processes that work on the same tasks, and which of them are alive."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Nodes(Protocol):
    """A node is a process under the name by which it owns the tasks that it claims.

    It is alive from `join` until it leaves, or until it has been silent for too long. Time is that of what
    the nodes share, such as a database, so that their own clocks may differ.
    """

    async def join(self, node: str) -> None:
        """Count the node as alive from now on; one that has joined already is no error.

        Raises:
            StorageError: that could not be stored.
        """
        ...

    async def beat(self, node: str) -> None:
        """Show that the node is alive; one that is missing, since it was silent for too long, joins again.

        Raises:
            StorageError: that could not be stored.
        """
        ...

    async def alive(self, observer: str) -> frozenset[str]:
        """Return the nodes whose tasks nobody may take, as far as the node ``observer`` can tell.

        An observer that has just joined, or whose own beats had a gap, cannot tell silence from an outage
        that all nodes share: to it, every node that has not left is alive until it could be heard again.

        Raises:
            StorageError: that is not known now; then no task may be taken.
        """
        ...

    async def leave(self, node: str) -> None:
        """Count the node as gone, so that others take its tasks at once; a missing node is no error.

        Raises:
            StorageError: that could not be stored.
        """
        ...


class Slots(Protocol):
    """No provider has more calls in flight than it takes, whichever nodes make them.

    A node bounds and orders its own calls (`ProviderSlots`): it never asks for more places of a provider at a
    time than the provider takes, so that where it is alone, there is nothing left to do.
    """

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        """Wait until less than ``limit`` of the provider's places are taken, and hold one for the body.

        It is free again when the body ends, however it does, or when the node is no longer alive; ``node``
        has joined its `Nodes`.

        Raises:
            StorageError: on entering: which places are taken is not known now, or could not be stored.
        """
        ...


class Turn(Protocol):
    """One pass at a time, whichever node and whoever there has started it."""

    def hold(self, node: str) -> AbstractAsyncContextManager[None]:
        """Wait until nobody holds the turn, and hold it for the body; ``node`` has joined its `Nodes`.

        It is free again when the body ends, however it does, or when the node is no longer alive. A node that
        is back from there may still be in its body beside the next one: a pass has to be idempotent.

        Raises:
            StorageError: on entering: who holds the turn is not known now, or could not be stored.
        """
        ...


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

    async def ask(self, question: str, subject: str) -> bool:  # noqa: ARG002 - there is nobody to ask
        """Nobody says yes."""
        return False
