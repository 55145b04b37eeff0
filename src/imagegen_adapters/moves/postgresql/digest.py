"""A checksum of a table's rows, in their order, which is the same for both databases."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import attrs


@attrs.define
class Digest:
    """Counts rows and digests their values."""

    rows: int = 0
    _sha256: "hashlib._Hash" = attrs.field(factory=hashlib.sha256, repr=False)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add the next rows, whose values are of the types that `repr` tells apart."""
        for row in rows:
            self._sha256.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
            self.rows += 1

    @property
    def value(self) -> str:
        """The checksum in hex."""
        return self._sha256.hexdigest()
