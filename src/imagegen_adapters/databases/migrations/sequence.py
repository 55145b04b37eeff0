"""Migrations in their order, and which of them a database has."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from imagegen_adapters.stores.schema import SchemaTooNew
from imagegen_adapters.stores.sqlite.engine import sqlite3

if TYPE_CHECKING:  # slow to import, and nothing is left to do at most starts
    from sqlite_utils import Database

_SET = "imagegen"

Schema: TypeAlias = "Database"
"""The database as a migration sees it."""

Migration: TypeAlias = Callable[[Schema], None]
"""One change of the schema; the name of the function is what a database keeps of it."""


@attrs.frozen
class Sequence:
    """The migrations of this version, read without the tools that apply them."""

    migrations: tuple[Migration, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all migrations of this version."""
        return tuple(migration.__name__ for migration in self.migrations)

    def has_pending(self, connection: sqlite3.Connection) -> bool:
        """Return whether a database lacks some of them.

        Raises:
            SchemaTooNew: the database has migrations that this version does not know.
        """
        applied, names = _applied(connection), frozenset(self.names)
        if unknown := applied - names:
            raise SchemaTooNew(unknown)
        return applied != names

    def apply(self, connection: sqlite3.Connection) -> None:
        """Apply those that a database does not have."""
        import sqlite_utils

        tool = sqlite_utils.Migrations(_SET)
        for migration in self.migrations:
            tool()(migration)
        tool.apply(sqlite_utils.Database(connection, execute_plugins=False))


def run(db: Schema, *statements: str) -> None:
    """Execute the statements of a migration."""
    for statement in statements:
        db.conn.execute(statement)


def _applied(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the names of the migrations that a database has."""
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
    if connection.execute(exists).fetchone() is None:
        return frozenset()
    query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
    return frozenset(name for (name,) in connection.execute(query, [_SET]))
