"""Identifiers that sort by creation time."""

import uuid_utils


def new_id() -> str:
    """Return a UUIDv7 as 36 lower-case characters, greater than all earlier ones of this process."""
    return str(uuid_utils.uuid7())
