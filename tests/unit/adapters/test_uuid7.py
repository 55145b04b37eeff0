"""UUIDv7 identifiers."""

import uuid

from imagegen_adapters.system import new_id


def test_ids_sort_by_age():
    """Ids generated one after another are ordered and distinct."""
    ids = [new_id() for _ in range(1000)]

    assert sorted(set(ids)) == ids


def test_ids_are_uuids():
    """An id is a version 7 UUID in its canonical form."""
    new = new_id()

    assert (7, new) == (uuid.UUID(new).version, str(uuid.UUID(new)))
