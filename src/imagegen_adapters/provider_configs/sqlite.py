"""Saved provider configurations in SQLite, each secret sealed for one provider and one origin."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imagegen_adapters.stores.rows import SealedRows
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import KeysLocked, ProviderConfigNotFound
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.problems import RefusalCode

if TYPE_CHECKING:
    from sqlite_utils.db import Table


class SqliteProviderConfigs:
    """The provider_configs table.

    The rows are cached, since every request needs them and only this process changes them.
    """

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._sealed = SealedRows(box)
        self._cache: tuple[dict[str, ProviderConfig], str | None] | None = None
        self._changes = 0

    async def get(self, provider_name: str) -> ProviderConfig | None:
        return (await self._saved())[0].get(provider_name)

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple((await self._saved())[0].values())

    async def default(self) -> str | None:
        return (await self._saved())[1]

    async def _saved(self) -> tuple[dict[str, ProviderConfig], str | None]:
        if self._cache is not None:
            return self._cache
        changes = self._changes
        rows, default = await self._database.read(
            lambda connection: (_rows(connection), _default(connection))
        )
        saved = {row["provider_name"]: self._sealed.to_config(row) for row in rows}, default
        if changes == self._changes:
            self._cache = saved
        return saved

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if self._box.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        row = self._sealed.from_config(config, key_origin)

        def save(connection: sqlite3.Connection) -> None:
            table = _table(connection)
            before = _named(table, config.provider_name)
            created_at = before[0]["created_at"] if before else None
            table.upsert({**row, "created_at": created_at or row["created_at"]}, pk="provider_name")

        await self._change(save)

    async def set_default(self, provider_name: str | None) -> None:
        def save(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM settings WHERE name = 'default_provider'")
            if provider_name is not None:
                connection.execute("INSERT INTO settings VALUES ('default_provider', ?)", [provider_name])

        await self._change(save)

    async def delete(self, provider_name: str) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            table = _table(connection)
            if not _named(table, provider_name):
                raise ProviderConfigNotFound(provider_name)
            table.delete(provider_name)

        await self._change(delete)

    async def _change(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Write, and clear the cache before and after, so that no concurrent read is cached."""
        self._clear_cache()
        try:
            await self._database.writer.write(change)
        finally:
            self._clear_cache()

    def _clear_cache(self) -> None:
        self._changes += 1
        self._cache = None


async def sealed_sample(database: Database) -> str | None:
    """Return any sealed token in the database, which the master key must open, or None if there is none."""
    query = """
        SELECT api_key FROM provider_configs WHERE api_key IS NOT NULL
        UNION ALL SELECT sealed_extra FROM provider_configs WHERE sealed_extra IS NOT NULL
        UNION ALL SELECT override FROM tasks WHERE override IS NOT NULL
        UNION ALL SELECT sealed_config FROM attempts WHERE sealed_config IS NOT NULL LIMIT 1
    """
    row = await database.read(lambda c: c.execute(query).fetchone())
    return None if row is None else str(row[0])


def _rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    query = "SELECT * FROM provider_configs ORDER BY provider_name"
    return [dict(row) for row in connection.execute(query)]


def _default(connection: sqlite3.Connection) -> str | None:
    query = "SELECT value FROM settings WHERE name = 'default_provider'"
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def _table(connection: sqlite3.Connection) -> "Table":
    from sqlite_utils import Database as Tables  # slow to import

    # A `query_only` connection rejects the pragma that enables recursive triggers.
    return Tables(connection, execute_plugins=False, recursive_triggers=False).table("provider_configs")


def _named(table: "Table", provider_name: str) -> list[dict[str, Any]]:
    return list(table.rows_where("provider_name = ?", [provider_name]))
