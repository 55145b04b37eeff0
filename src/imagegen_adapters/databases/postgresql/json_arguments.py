"""Rows as JSON, which functions of the database read as rows of their tables."""

from typing import Any

import msgspec

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_core.errors import StorageError


def json_argument(value: Any) -> str:
    """Return rows of columns, or what contains them, as JSON; columns of JSON are strings in it.

    Raises:
        StorageError: it contains halves of surrogate pairs, which no column can hold.
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError as error:
        raise StorageError(DatabaseCode.DATABASE_REFUSED(detail=type(error).__name__)) from error


def bytes_argument(content: bytes | None) -> str | None:
    """Return the value of a column of bytes as such JSON has it."""
    return None if content is None else f"\\x{content.hex()}"
