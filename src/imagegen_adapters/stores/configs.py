"""Saved provider configurations in a database, and all sealed tokens there."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from imagegen_adapters.secrets import SealedRow
from imagegen_adapters.stores.rows import (
    from_json,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
)
from imagegen_adapters.stores.sql import Row, SharedReads, Sql
from imagegen_core.config import (
    PROVIDER_FIELDS,
    ConfigSource,
    ModelEntry,
    ProviderConfig,
    origin,
    split_secrets,
    with_secrets,
)
from imagegen_core.errors import KeysLocked, ProviderConfigNotFound, text_problem
from imagegen_core.messages import RefusalCode
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.secrets import Secret

ALL = "SELECT * FROM provider_configs ORDER BY provider_name"
_OF_NAMES = "SELECT * FROM provider_configs WHERE provider_name = ANY (:names::text[])"

_FIELDS = (*PROVIDER_FIELDS, "key_origin", "sealed_extra", "updated_at")
_CONVERTED = ("api_key", "models", "enabled", "extra_config")
_PLAIN = ("provider_name", *(name for name in PROVIDER_FIELDS if name not in _CONVERTED))

_PUT = f"""
INSERT INTO provider_configs (provider_name, created_at, {", ".join(_FIELDS)})
VALUES (:provider_name, :created_at, {", ".join(f":{name}" for name in _FIELDS)})
ON CONFLICT (provider_name) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _FIELDS)},
    created_at = coalesce(provider_configs.created_at, excluded.created_at)
"""  # noqa: S608 - columns of our own

_SET_DEFAULT = """
INSERT INTO settings (name, value) VALUES ('default_provider', :provider_name)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""

SEALED = """
SELECT 'api_key/' || provider_name AS place, api_key AS token
FROM provider_configs WHERE api_key IS NOT NULL
UNION ALL
SELECT 'sealed_extra/' || provider_name, sealed_extra FROM provider_configs WHERE sealed_extra IS NOT NULL
UNION ALL
SELECT 'override/' || task_id, override FROM tasks WHERE override IS NOT NULL
UNION ALL
SELECT 'sealed_config/' || attempt_id, sealed_config FROM attempts WHERE sealed_config IS NOT NULL
UNION ALL
SELECT 'secret/' || id, secret FROM webhooks
UNION ALL
SELECT 'previous_secret/' || id, previous_secret FROM webhooks WHERE previous_secret IS NOT NULL
"""

_COLUMNS = {
    "api_key": ("provider_configs", "provider_name"),
    "sealed_extra": ("provider_configs", "provider_name"),
    "override": ("tasks", "task_id"),
    "sealed_config": ("attempts", "attempt_id"),
    "secret": ("webhooks", "id::text"),
    "previous_secret": ("webhooks", "id::text"),
}
"""The table of each column of tokens, and its key."""


class SqlProviderConfigs:
    """The provider_configs table; rows become configurations without opening their secrets.

    A key opens only in its own row, while its address has the origin that the key was saved for. So neither a
    swapped token nor an edited address sends a key to another host. The place where a key is exchanged for a
    token follows that origin; it is compared with the document on use. Secret headers and a proxy's password
    are sealed together in the same way. If they cannot be opened, the key counts as locked: a call without
    them would differ from what was configured.
    """

    def __init__(self, sql: Sql, box: SecretBox) -> None:
        self._sql = sql
        self._box = box
        self._by_name = SharedReads[str](lambda names: sql.rows(_OF_NAMES, names=names), key="provider_name")

    async def get(self, provider_name: str) -> ProviderConfig | None:
        rows = await self._by_name.rows(provider_name)
        return self._to_config(rows[0]) if rows else None

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple(self._to_config(row) for row in await self._sql.rows(ALL))

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if self._box.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        await self._sql.change(_PUT, **self._to_row(config, key_origin))

    async def default(self) -> str | None:
        rows = await self._sql.rows("SELECT value FROM settings WHERE name = 'default_provider'")
        return rows[0]["value"] if rows else None

    async def set_default(self, provider_name: str | None) -> None:
        if provider_name is None:
            await self._sql.change("DELETE FROM settings WHERE name = 'default_provider'")
        else:
            await self._sql.change(_SET_DEFAULT, provider_name=provider_name)

    async def delete(self, provider_name: str) -> None:
        statement = "DELETE FROM provider_configs WHERE provider_name = :provider_name RETURNING 1"
        is_text = text_problem(provider_name) is None
        if not is_text or not await self._sql.change(statement, provider_name=provider_name):
            raise ProviderConfigNotFound(provider_name)

    def _to_row(self, config: ProviderConfig, key_origin: str) -> dict[str, Any]:
        key, (public, secret) = config.api_key, split_secrets(config.extra_config)

        def seal(text: str, column: str) -> str:
            return self._box.seal(text, context=_context(config.provider_name, key_origin, column))

        return {
            **{name: getattr(config, name) for name in _PLAIN},
            "api_key": None if key is None else key.give_to(partial(seal, column="api_key")),
            "key_origin": key_origin,
            "models": optional_json(config.models),
            "enabled": config.enabled,
            "extra_config": to_json(public),
            "sealed_extra": seal(to_json(secret), "sealed_extra") if secret else None,
            "created_at": optional_timestamp(config.created_at),
            "updated_at": optional_timestamp(config.updated_at),
        }

    def _to_config(self, row: Row) -> ProviderConfig:
        key, secret = self._open(row, "api_key"), self._open(row, "sealed_extra")
        if secret is not None and secret.locked:
            key = secret
        opened = {} if secret is None or secret.locked else json.loads(secret.reveal())
        return ProviderConfig(
            **{name: row[name] for name in _PLAIN},
            source=ConfigSource.DATABASE,
            api_key=key,
            models=optional_value(row["models"], tuple[ModelEntry, ...]),
            enabled=None if row["enabled"] is None else bool(row["enabled"]),
            extra_config=with_secrets(from_json(row["extra_config"], dict[str, Any]), opened),
            created_at=optional_moment(row["created_at"]),
            updated_at=optional_moment(row["updated_at"]),
            key_origin=row["key_origin"] or None,
            is_unchecked=True,
        )

    def _open(self, row: Row, column: str) -> Secret | None:
        base, token = row["api_base"], row[column]
        if token is None:
            return None
        own, *exchange = (row["key_origin"] or "").split(" ")
        key_origin = " ".join((origin(base) if base else own, *exchange))
        context = _context(row["provider_name"], key_origin, column)
        return Secret.sealed(partial(self._box.open, token, context=context))


def _context(provider_name: str, key_origin: str, column: str) -> str:
    return f"provider_configs/{provider_name}|{key_origin}|{column}"


class CachedProviderConfigs(SqlProviderConfigs):
    """The same for a database that no other process changes, with a cache: every request needs them."""

    def __init__(self, sql: Sql, box: SecretBox) -> None:
        super().__init__(sql, box)
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

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        with self._changing():
            await super().save(config, key_origin=key_origin)

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


class SqlSealedRows:
    """All sealed tokens: of providers, pending tasks, running calls, webhooks. A place is ``column/key``."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def all(self) -> AsyncIterator[SealedRow]:
        """Yield all tokens; rows may be replaced meanwhile."""
        for row in await self._sql.rows(SEALED):
            yield SealedRow(place=row["place"], token=row["token"])

    async def replace(self, row: SealedRow, token: str) -> None:
        """Durably replace the row's token, unless it has changed in the meantime."""
        column, _, key = row.place.partition("/")
        table, key_column = _COLUMNS[column]
        statement = f"UPDATE {table} SET {column} = :token WHERE {key_column} = :id AND {column} = :before"  # noqa: S608 - names of our own
        await self._sql.change(statement, id=key, before=row.token, token=token)

    async def sample(self) -> str | None:
        """Return any token, or None; the master key must open it."""
        rows = await self._sql.rows(f"{SEALED} LIMIT 1")
        return str(rows[0]["token"]) if rows else None
