"""The schema of SQLite: `schema.sql`, and one function for each later change; none is ever edited.

A database stores the names of its migrations. Those before `BASELINE` are part of `schema.sql`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import attrs

from imagegen_adapters.stores.sql import DatabaseCode, SchemaTooNew, SchemaUnusable
from imagegen_adapters.stores.sqlite.engine import sqlite3

if TYPE_CHECKING:  # slow to import, and nothing is left to do at most starts
    from sqlite_utils import Database

_SET = "imagegen"

Migration: TypeAlias = Callable[["Database"], None]
"""One change of the schema, which a database stores by its name."""


def m025_settings(db: "Database") -> None:
    """Create all tables as they were then; a database with this name has them."""
    for statement in _statements(Path(__file__).with_name("schema.sql").read_text("utf-8")):
        db.conn.execute(statement)


BASELINE = m025_settings.__name__


@attrs.frozen
class Migrations:
    """The migrations of this version: the baseline and the ``later`` ones. Only `apply` loads the tools."""

    later: tuple[Migration, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return BASELINE, *(migration.__name__ for migration in self.later)

    def has_pending(self, connection: sqlite3.Connection) -> bool:
        """Whether a database lacks some of them; one of an unknown version is refused."""
        applied = _applied(connection)
        if unknown := frozenset(name for name in applied if name > BASELINE) - frozenset(self.names):
            raise SchemaTooNew(DatabaseCode.SCHEMA_TOO_NEW(names=tuple(sorted(unknown))))
        if applied and BASELINE not in applied:
            raise SchemaUnusable(DatabaseCode.SCHEMA_OUTDATED(oldest=BASELINE))
        return not applied.issuperset(self.names)

    def apply(self, connection: sqlite3.Connection) -> None:
        import sqlite_utils

        tool = sqlite_utils.Migrations(_SET)
        for migration in (m025_settings, *self.later):
            tool()(migration)
        tool.apply(sqlite_utils.Database(connection, execute_plugins=False))


migrations = Migrations()


def migrate(connection: sqlite3.Connection) -> None:
    """Apply all pending migrations in one transaction; what is refused writes nothing."""
    connection.execute("BEGIN IMMEDIATE")  # serialises processes that start at the same time
    try:
        if migrations.has_pending(connection):
            migrations.apply(connection)
        connection.execute("COMMIT")
    except BaseException:  # interrupted too, the transaction must not stay open
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> frozenset[str]:
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    if connection.execute(exists).fetchone() is None:
        return frozenset()
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
    return frozenset(name for (name,) in connection.execute(query, [_SET]))


def _statements(text: str) -> Iterator[str]:
    """Yield the statements of a script; those that create triggers contain semicolons."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
