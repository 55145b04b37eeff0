"""A disk that holds as much as a test says."""

import attrs


@attrs.define(kw_only=True)
class MemoryDiskSpace:
    """Has ``free`` bytes left; assign to it to fill or empty the disk."""

    free: int = 2**40
    min_free_bytes: int = 0

    def free_bytes(self) -> int:
        return self.free

    def sufficient(self) -> bool:
        return self.free >= self.min_free_bytes
