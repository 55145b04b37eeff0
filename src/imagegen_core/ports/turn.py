"""The turn to maintain what all nodes share, such as the image stores."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


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
