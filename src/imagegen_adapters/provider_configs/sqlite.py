"""Saved provider configurations in SQLite, each secret sealed for one provider and one origin."""

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from imagegen_adapters.databases.json_columns import (
    from_json,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
)
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_core.errors import KeysLocked, ProviderConfigNotFound
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.problems import RefusalCode
from imagegen_core.providers.addresses import origin
from imagegen_core.providers.config import (
    ConfigSource,
    ModelEntry,
    ProviderConfig,
    split_secrets,
    with_secrets,
)
from imagegen_core.providers.secrets import Secret

if TYPE_CHECKING:
    from sqlite_utils.db import Table


class SqliteProviderConfigs:
    """The provider_configs table.

    A key opens only in its own row and only while that row's address has the origin that the key was saved
    for, so neither a swapped token nor an edited address sends a key to another host. The same holds for
    secret headers and a proxy's password, which are sealed together. If they cannot be opened, the key counts
    as locked, since a call without them would differ from what was configured. The rows are cached, since
    every request needs them and only this process changes them.
    """

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._cache: dict[str, ProviderConfig] | None = None
        self._changes = 0

    async def get(self, provider_name: str) -> ProviderConfig | None:
        return (await self._by_name()).get(provider_name)

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple((await self._by_name()).values())

    async def _by_name(self) -> dict[str, ProviderConfig]:
        if self._cache is not None:
            return self._cache
        changes = self._changes
        rows = await self._database.read(_rows)
        configs = {row["provider_name"]: self._config(row) for row in rows}
        if changes == self._changes:
            self._cache = configs
        return configs

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if self._box.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        row = self._row(config, key_origin)

        def save(connection: sqlite3.Connection) -> None:
            table = _table(connection)
            before = _named(table, config.provider_name)
            created_at = before[0]["created_at"] if before else None
            table.upsert({**row, "created_at": created_at or row["created_at"]}, pk="provider_name")

        await self._change(save)

    async def delete(self, provider_name: str) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            table = _table(connection)
            if not _named(table, provider_name):
                raise ProviderConfigNotFound(provider_name)
            table.delete(provider_name)

        await self._change(delete)

    async def seal_plaintext(self) -> None:
        """Seal secret headers and passwords that versions before `m010_sealed_extra` stored in plain text.

        Rows stay as they are while the box is locked, or if their own key cannot be opened.
        """
        rows = await self._database.read(_rows)
        for row in rows:
            _, secret = split_secrets(from_json(row["extra_config"], dict[str, Any]))
            config = self._config(row)
            opens = config.api_key is None or not config.api_key.locked
            if secret and opens and not self._box.locked:
                await self.save(config, key_origin=row["key_origin"])

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

    def _row(self, config: ProviderConfig, key_origin: str) -> dict[str, Any]:
        key, (public, secret) = config.api_key, split_secrets(config.extra_config)
        seal_key, seal_extra = (self._seal(config, key_origin, name) for name in ("api_key", "sealed_extra"))
        return {
            "provider_name": config.provider_name,
            "kind": config.kind,
            "display_name": config.display_name,
            "api_base": config.api_base,
            "api_key": None if key is None else key.give_to(seal_key),
            "key_origin": key_origin,
            "models": optional_json(config.models),
            "enabled": None if config.enabled is None else int(config.enabled),
            "timeout_seconds": config.timeout_seconds,
            "max_retries": config.max_retries,
            "extra_config": to_json(public),
            "sealed_extra": seal_extra(to_json(secret)) if secret else None,
            "created_at": optional_timestamp(config.created_at),
            "updated_at": optional_timestamp(config.updated_at),
        }

    def _seal(self, config: ProviderConfig, key_origin: str, column: str) -> Callable[[str], str]:
        return partial(self._box.seal, context=_context(config.provider_name, key_origin, column))

    def _config(self, row: dict[str, Any]) -> ProviderConfig:
        key, secret = self._open(row, "api_key"), self._open(row, "sealed_extra")
        if secret is not None and secret.locked:
            key = secret
        opened = {} if secret is None or secret.locked else json.loads(secret.reveal())
        return ProviderConfig(
            provider_name=row["provider_name"],
            source=ConfigSource.DATABASE,
            kind=row["kind"],
            display_name=row["display_name"],
            api_base=row["api_base"],
            api_key=key,
            models=optional_value(row["models"], tuple[ModelEntry, ...]),
            enabled=None if row["enabled"] is None else bool(row["enabled"]),
            timeout_seconds=row["timeout_seconds"],
            max_retries=row["max_retries"],
            extra_config=with_secrets(from_json(row["extra_config"], dict[str, Any]), opened),
            created_at=optional_moment(row["created_at"]),
            updated_at=optional_moment(row["updated_at"]),
            key_origin=row["key_origin"] or None,
            is_unchecked=True,
        )

    def _open(self, row: dict[str, Any], column: str) -> Secret | None:
        base, token = row["api_base"], row[column]
        if token is None:
            return None
        context = _context(row["provider_name"], row["key_origin"] if base is None else origin(base), column)
        return Secret.sealed(partial(self._box.open, token, context=context))


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


def _context(provider_name: str, key_origin: str, column: str) -> str:
    return f"provider_configs/{provider_name}|{key_origin}|{column}"


def _rows(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    query = "SELECT * FROM provider_configs ORDER BY provider_name"
    return [dict(row) for row in connection.execute(query)]


def _table(connection: sqlite3.Connection) -> "Table":
    from sqlite_utils import Database as Tables  # slow to import

    # A `query_only` connection rejects the pragma that enables recursive triggers.
    return Tables(connection, execute_plugins=False, recursive_triggers=False).table("provider_configs")


def _named(table: "Table", provider_name: str) -> list[dict[str, Any]]:
    return list(table.rows_where("provider_name = ?", [provider_name]))
