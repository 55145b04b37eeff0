"""A disk with a simulated amount of free space."""

import attrs


@attrs.define(kw_only=True)
class MemoryDiskSpace:
    """Reports ``free`` bytes, which tests may set."""

    free: int = 2**40
    min_free_bytes: int = 0

    def free_bytes(self) -> int:
        return self.free

    def sufficient(self) -> bool:
        return self.free >= self.min_free_bytes
