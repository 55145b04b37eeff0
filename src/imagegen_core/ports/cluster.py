"""The processes that work on the same tasks: who is alive, what they share and tell each other."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

CANCELLATIONS = "cancellations"
"""The topic of tasks whose cancellation was requested; the key is the task's id."""

REMOVALS = "removals"
"""The topic of images that were deleted; the nodes that run tasks remove their bytes."""

UPKEEP_SLOT = "turn maintenance"


def call_slot(provider_name: str) -> str:
    """Return the name of the slots for calls to a provider."""
    return f"calls {provider_name}"


class Cluster(Protocol):
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

    def slot(self, name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        """A semaphore of all nodes: wait until less than ``limit`` slots of the name are taken, and hold one.

        ``node`` has joined. The slot is released when the block exits or its node dies. A node that was only
        presumed dead may still be running, so the work under a lock (``limit=1``) must be idempotent.

        Raises:
            StorageError: on entering: which slots are taken is not known now, or could not be stored.
        """
        ...

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        """Call ``hearer`` with the key of each hint of the topic, on the event loop; it must not raise.

        An empty key stands for all: hints may have been missed. A topic is one word.
        """
        ...

    def tell(self, topic: str, key: str = "") -> None:
        """Send a hint to all nodes, this one included. What it is about is stored already.

        A hint may be lost, so whoever waits for one also looks by itself from time to time.
        """
        ...
