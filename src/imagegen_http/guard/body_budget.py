"""The memory budget for bodies."""

MAX_SMALL_BODY_BYTES = 256 * 1024
"""A body of up to this size may use the reserve. No prompt is longer, however its JSON is escaped."""


class BodyBudget:
    """A number of bytes that all bodies in memory share.

    Args:
        total: bytes for all bodies.
        reserve: additional bytes for small bodies alone, so that prompts get through while images are
            uploaded.
    """

    def __init__(self, total: int, *, reserve: int = 0) -> None:
        self._free = total
        self._reserve = reserve
        self._used = 0

    @property
    def used(self) -> int:
        """The bytes in use now."""
        return self._used

    def has_room(self, size: int) -> bool:
        """Return whether a body of this size would fit now."""
        return size <= self._free + (self._reserve if size <= MAX_SMALL_BODY_BYTES else 0)

    def lease(self) -> "BodyLease":
        """Return an empty lease for one request."""
        return BodyLease(self)

    def adjust(self, common: int, reserved: int) -> bool:
        """Take bytes (or return them, if negative) from the common part and the reserve, or neither.

        Returns:
            Whether there was room.
        """
        if common > self._free or reserved > self._reserve:
            return False
        self._free -= common
        self._reserve -= reserved
        self._used += common + reserved
        return True


class BodyLease:
    """One request's part of the budget. It grows as bytes arrive: declaring a large body reserves nothing."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._common = self._reserved = 0

    def grow(self, size: int) -> bool:
        """Extend the lease to ``size`` bytes; return whether there was room."""
        return self._resize(size, 0) or (size <= MAX_SMALL_BODY_BYTES and self._resize(0, size))

    def release(self) -> None:
        """Return all bytes to the budget."""
        self._resize(0, 0)

    def _resize(self, common: int, reserved: int) -> bool:
        if not self._budget.adjust(common - self._common, reserved - self._reserved):
            return False
        self._common, self._reserved = common, reserved
        return True
