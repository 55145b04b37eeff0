"""Ids that sort by age."""

import uuid_utils


def new_id() -> str:
    """Return a UUIDv7 as 36 lower-case characters; each is greater than those before in this process."""
    return str(uuid_utils.uuid7())
