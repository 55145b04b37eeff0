"""Conversion of collections and tags from rows."""

from typing import Any, Protocol

from imagegen_adapters.stores.rows import from_timestamp
from imagegen_core.marks.collection import Collection, TagUse


class Row(Protocol):
    """Columns by their names."""

    def __getitem__(self, name: str, /) -> Any: ...


def row_to_collection(row: Row) -> Collection:
    """Return the collection of a row."""
    return Collection(
        id=row["id"],
        name=row["name"],
        created_at=from_timestamp(row["created_at"]),
        count=row["images"],
        cover=row["cover"],
    )


def row_to_tag(row: Row) -> TagUse:
    """Return the tag of a row."""
    return TagUse(name=row["name"], count=row["images"])
