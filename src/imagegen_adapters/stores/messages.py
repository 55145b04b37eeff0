"""What is wrong with the database or the data directory, and the errors that refuse one."""

from imagegen_core.errors import StorageBroken, StorageError
from imagegen_core.messages import MessageCode


class DatabaseCode(MessageCode, words="imagegen_adapters"):
    """Why they cannot be used, or not now."""


class KeyCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with the master key, or with a sealed token."""


class SchemaTooNew(StorageError):
    """The database is from a newer version of imagegen; this version must not touch it."""

    def __init__(self, unknown: frozenset[str]) -> None:
        super().__init__(DatabaseCode.SCHEMA_TOO_NEW(names=tuple(sorted(unknown))))


class SchemaTooOld(StorageError):
    """The database was opened read-only, and migrations are pending."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.SCHEMA_TOO_OLD())


class SchemaUnusable(StorageBroken):
    """The database cannot hold the schema; nothing was written."""


class MoveUnfinished(StorageBroken):
    """The database holds a part of a data directory; a node that worked on it would do harm."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.MOVE_UNFINISHED())
