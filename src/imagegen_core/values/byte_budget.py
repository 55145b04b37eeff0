"""A number of bytes that several holders share."""


class ByteBudget:
    """Counts the bytes that are held at once, of at most ``max_bytes``; for one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0

    def take(self, size: int) -> bool:
        """Count more bytes as held, unless that would be too many; return whether they are."""
        if self.held_bytes + size > self.max_bytes:
            return False
        self.held_bytes += size
        return True

    def give_back(self, size: int) -> None:
        """Count bytes that were taken as held no longer."""
        self.held_bytes -= size
