"""The processes that work on the same tasks: who is alive, what they share and tell each other."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

CANCELLATIONS = "cancellations"
"""The topic of tasks whose cancellation was requested; the key is the task's id."""

REMOVALS = "removals"
"""The topic of images that were deleted; the nodes that run tasks remove their bytes."""

REMOVED = "removed"
"""The topic of blobs that were removed, by their keys; nodes that have copies of their own remove these."""

BATCHES = "batches"
"""The topic of batches of which more may be submitted, by their ids; the slot of the node that does it."""

UPKEEP_SLOT = "turn maintenance"


def call_slot(provider_name: str) -> str:
    """Return the name of the slots for calls to a provider."""
    return f"calls {provider_name}"


class Cluster(Protocol):
    """A node is a process, under the name by which it owns the tasks that it claims.

    It is alive from its first beat until it leaves or was silent for too long. The shared store's clock
    counts, so the nodes' own may differ.

    Raises:
        StorageError: on every await: the store cannot tell now, or a change could not be stored.
    """

    async def beat(self, node: str) -> None:
        """Show that the node is alive; its first beat, or one after too long a silence, lets it join."""

    async def alive(self, observer: str) -> frozenset[str]:
        """Return the nodes whose tasks nobody may take, as far as ``observer`` can tell.

        If this raises, no task may be taken. After its own first beat, or a gap in its own beats, an observer
        cannot tell a silent node from a shared outage. It then takes every node that has not left as alive,
        until it could be heard again.
        """

    async def leave(self, node: str) -> None:
        """Count the node as gone, so that others take its tasks at once; a missing node is no error."""

    def slot(self, name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        """A semaphore of all nodes: wait until fewer than ``limit`` slots of the name are taken; hold one.

        ``node`` has joined. The slot is released when the block exits or its node dies. A node that was only
        presumed dead may still be running, so the work under a lock (``limit=1``) must be idempotent. Only
        entering raises.
        """

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        """Call ``hearer`` on the event loop with the key of each hint of the topic; it must not raise.

        An empty key stands for all: hints may have been missed. A topic is one word.
        """

    def tell(self, topic: str, key: str = "") -> None:
        """Send a hint to all nodes, this one included; what it is about is stored already.

        A hint may be lost, so its hearers also look from time to time.
        """
