"""How much the disk can still take."""

from typing import Protocol


class DiskSpace(Protocol):
    """Watches the file system that holds the data directory.

    Raises (both methods):
        StorageError: the file system does not answer.
    """

    def free_bytes(self) -> int:
        """Return the bytes that may still be written there."""
        ...

    def sufficient(self) -> bool:
        """Return whether the configured minimum is free, so that more paid calls may be sent."""
        ...
