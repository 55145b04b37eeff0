"""How much the disk can still take."""

from typing import Protocol


class DiskSpace(Protocol):
    """Watches the file system that holds the data directory."""

    def free_bytes(self) -> int:
        """Return the bytes that may still be written there."""
        ...

    def sufficient(self) -> bool:
        """Return whether there is room for the results of more paid calls."""
        ...
