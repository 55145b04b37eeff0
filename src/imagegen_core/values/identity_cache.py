"""What was made of some objects, for as long as these objects live."""

import weakref
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class IdentityCache(Generic[T]):
    """Keeps the result of a pure function for the very objects that it was called with.

    They are found by identity: to compare configurations would take longer than to use them, and would open
    their keys. A result is dropped with the first of its objects, so there are never more of them than the
    objects allow, and a secret in one does not outlive the configuration that it is from. A result must not
    refer to its own objects.
    """

    def __init__(self) -> None:
        self._results: dict[tuple[int, ...], tuple[T, tuple[weakref.ref[object], ...]]] = {}

    def result_for(self, objects: Sequence[object], make: Callable[[], T]) -> T:
        """Return what ``make`` returned for these objects before, or returns now; errors are not kept."""
        key = tuple(map(id, objects))
        entry = self._results.get(key)
        if entry is None:
            result = make()
            references = tuple(weakref.ref(each, lambda _: self._results.pop(key, None)) for each in objects)
            entry = self._results[key] = (result, references)
        return entry[0]
