"""Free space on the data disk."""

from typing import Protocol


class DiskSpace(Protocol):
    """Watches the file system that holds the data directory.

    Raises (both methods):
        StorageError: the file system does not answer.
    """

    def free_bytes(self) -> int:
        """Return how many more bytes can be written there."""
        ...

    def sufficient(self) -> bool:
        """Return whether the configured minimum is free, so that more paid calls may be sent."""
        ...
