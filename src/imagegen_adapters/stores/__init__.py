"""Stores in a database: SQLite and PostgreSQL, by the same statements wherever these can be the same."""

from collections.abc import Collection

from imagegen_core.errors import StorageBroken, StorageError
from imagegen_core.messages import MessageCode


class DatabaseCode(MessageCode, words="imagegen_adapters"):
    """Why a database cannot be used, or not now."""


class SchemaTooNew(StorageError):
    """The database is from a newer version of imagegen; this version must not touch it."""


class SchemaTooOld(StorageError):
    """The database was opened read-only, and migrations are pending."""


class SchemaUnusable(StorageBroken):
    """The database cannot hold the schema; nothing was written."""


class MoveUnfinished(StorageBroken):
    """The database holds a part of a data directory; a node that worked on it would do harm."""


def pending(applied: Collection[str], names: Collection[str], baseline: str) -> list[str]:
    """Return the migrations that a database lacks; refuse one that is newer, or older than the baseline."""
    if unknown := {name for name in applied if name > baseline}.difference(names):
        raise SchemaTooNew(DatabaseCode.SCHEMA_TOO_NEW(names=tuple(sorted(unknown))))
    if applied and baseline not in applied:
        raise SchemaUnusable(DatabaseCode.SCHEMA_OUTDATED(oldest=baseline))
    return [name for name in names if name not in applied]
