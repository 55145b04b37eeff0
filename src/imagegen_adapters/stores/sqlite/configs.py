"""Saved provider configurations in SQLite, which this process alone changes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imagegen_adapters.stores.configs import ALL, SqlProviderConfigs
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.config import ProviderConfig, split_secrets
from imagegen_core.ports.secrets import SecretBox


class SqliteProviderConfigs(SqlProviderConfigs):
    """The same with a cache, since every request needs them and no other process changes them."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        super().__init__(SqliteSql(database), box)
        self._database = database
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
        configs = {config.provider_name: config for config in await super().all()}
        saved = configs, await super().default()
        if changes == self._changes:
            self._cache = saved
        return saved

    async def seal_plaintext(self) -> None:
        """Seal the headers and passwords of early versions, unless the box or the row's own key is locked."""
        for row in () if self._box.locked else await self._sql.rows(ALL):
            _, secret = split_secrets(json.loads(row["extra_config"]))
            config = self._to_config(row)
            if secret and not (config.api_key is not None and config.api_key.locked):
                await self.save(config, key_origin=row["key_origin"])

    async def _put(self, row: dict[str, Any]) -> None:
        def put(connection: sqlite3.Connection) -> None:
            from sqlite_utils import Database as Tables  # slow to import

            # A `query_only` connection rejects the pragma that enables recursive triggers.
            tables = Tables(connection, execute_plugins=False, recursive_triggers=False)
            table = tables.table("provider_configs")
            before = list(table.rows_where("provider_name = ?", [row["provider_name"]]))
            created_at = (before[0]["created_at"] if before else None) or row["created_at"]
            table.upsert({**row, "created_at": created_at}, pk="provider_name")

        with self._changing():
            await self._database.writer.write(put)

    async def set_default(self, provider_name: str | None) -> None:
        with self._changing():
            await super().set_default(provider_name)

    async def delete(self, provider_name: str) -> None:
        with self._changing():
            await super().delete(provider_name)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Clear the cache before and after a change, so that no concurrent read is cached."""
        self._changes, self._cache = self._changes + 1, None
        try:
            yield
        finally:
            self._changes, self._cache = self._changes + 1, None
