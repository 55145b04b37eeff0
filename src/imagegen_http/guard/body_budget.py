"""How many bytes of bodies the process holds at once."""

MAX_SMALL_BODY_BYTES = 256 * 1024
"""A body up to this size may use the reserve: no prompt is longer, however its JSON is escaped."""


class BodyBudget:
    """A number of bytes that all bodies share, each from its first byte on.

    Args:
        total: bytes for all.
        reserve: more bytes, for small bodies alone: prompts must get through while images are uploaded.
    """

    def __init__(self, total: int, *, reserve: int = 0) -> None:
        self._free = total
        self._reserve = reserve
        self._used = 0

    @property
    def used(self) -> int:
        """The bytes that bodies hold now."""
        return self._used

    def has_room(self, size: int) -> bool:
        """Return whether a body of this size could be held now."""
        return size <= self._free + (self._reserve if size <= MAX_SMALL_BODY_BYTES else 0)

    def lease(self) -> "BodyLease":
        """Return an empty share, for one request."""
        return BodyLease(self)

    def adjust(self, common: int, reserved: int) -> bool:
        """Take (or, negative, give back) bytes of all and of the reserve; return whether there was room."""
        if common > self._free or reserved > self._reserve:
            return False
        self._free -= common
        self._reserve -= reserved
        self._used += common + reserved
        return True


class BodyLease:
    """One request's share. It grows as bytes arrive: announcing a large body costs others nothing."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._common = self._reserved = 0

    def grow(self, size: int) -> bool:
        """Hold ``size`` bytes from now on; return whether there was room."""
        return self._resize(size, 0) or (size <= MAX_SMALL_BODY_BYTES and self._resize(0, size))

    def release(self) -> None:
        """Give everything back."""
        self._resize(0, 0)

    def _resize(self, common: int, reserved: int) -> bool:
        if not self._budget.adjust(common - self._common, reserved - self._reserved):
            return False
        self._common, self._reserved = common, reserved
        return True
