"""How many bytes of large bodies the process holds at once."""

FREE_BYTES = 1024 * 1024
"""Bodies up to this size are not counted: a prompt must get through while pictures are uploaded."""


class BodyBudget:
    """A number of bytes that all large bodies share."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._used = 0

    @property
    def used(self) -> int:
        """The bytes that large bodies hold now."""
        return self._used

    def has_room(self, size: int) -> bool:
        """Return whether a body of this size could be held now."""
        return size <= FREE_BYTES or self._used + size <= self._total

    def lease(self) -> "BodyLease":
        """Return an empty share, for one request."""
        return BodyLease(self)

    def move(self, size: int) -> bool:
        """Take (or, negative, give back) bytes; return whether there was room."""
        if size > 0 and self._used + size > self._total:
            return False
        self._used += size
        return True


class BodyLease:
    """One request's share. It grows as bytes arrive: announcing a large body costs others nothing."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._held = 0

    def grow(self, size: int) -> bool:
        """Hold ``size`` bytes from now on; return whether there was room."""
        if size <= FREE_BYTES:
            return True
        if not self._budget.move(size - self._held):
            return False
        self._held = size
        return True

    def release(self) -> None:
        """Give everything back."""
        self._budget.move(-self._held)
        self._held = 0
