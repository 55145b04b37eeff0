"""The ids."""

import uuid

from imagegen_adapters.identifiers import new_id


def test_ids_sort_by_age():
    """Ids made one after the other are in order and distinct."""
    ids = [new_id() for _ in range(1000)]

    assert sorted(set(ids)) == ids


def test_ids_are_uuids():
    """An id is a version 7 UUID in its usual form."""
    made = new_id()

    assert (7, made) == (uuid.UUID(made).version, str(uuid.UUID(made)))
