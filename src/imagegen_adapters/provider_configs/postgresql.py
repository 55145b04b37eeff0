"""Saved provider configurations in PostgreSQL, each secret sealed for one provider and one origin."""

from collections.abc import Sequence

from imagegen_adapters.stores.postgresql.database import Batches, Database, Row
from imagegen_adapters.stores.rows import SealedRows
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import KeysLocked, ProviderConfigNotFound
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.problems import RefusalCode
from imagegen_core.text import text_problem

_GET = "SELECT * FROM provider_configs WHERE provider_name = ANY($1)"

_ALL = "SELECT * FROM provider_configs ORDER BY provider_name"

_PUT = """
INSERT INTO provider_configs (
    provider_name, kind, display_name, api_base, api_key, key_origin, models, enabled, timeout_seconds,
    max_retries, extra_config, sealed_extra, created_at, updated_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (provider_name) DO UPDATE SET
    kind = excluded.kind, display_name = excluded.display_name, api_base = excluded.api_base,
    api_key = excluded.api_key, key_origin = excluded.key_origin, models = excluded.models,
    enabled = excluded.enabled, timeout_seconds = excluded.timeout_seconds,
    max_retries = excluded.max_retries, extra_config = excluded.extra_config,
    sealed_extra = excluded.sealed_extra, updated_at = excluded.updated_at,
    created_at = coalesce(provider_configs.created_at, excluded.created_at)
"""
"""The values are those of `SealedRows.from_config` in its order."""

_DEFAULT = "SELECT value FROM settings WHERE name = 'default_provider'"

_SET_DEFAULT = """
INSERT INTO settings (name, value) VALUES ('default_provider', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""

_UNSET_DEFAULT = "DELETE FROM settings WHERE name = 'default_provider'"

_DELETE = "DELETE FROM provider_configs WHERE provider_name = $1 RETURNING 1"


class PostgresqlProviderConfigs:
    """The provider_configs table, read each time: another node may have changed it.

    Who asks while it is being read is answered by the next reading, together with all who ask by then.
    """

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box
        self._sealed = SealedRows(box)
        self._readings = Batches(self._read)

    async def get(self, provider_name: str) -> ProviderConfig | None:
        if text_problem(provider_name) is not None:
            return None
        row = await self._readings.call(provider_name)
        return None if row is None else self._sealed.to_config(row)

    async def _read(self, provider_names: Sequence[str]) -> list[Row | None]:
        rows = await self._database.rows(_GET, [*{*provider_names}])
        by_name = {row["provider_name"]: row for row in rows}
        return [by_name.get(name) for name in provider_names]

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple(self._sealed.to_config(row) for row in await self._database.rows(_ALL))

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if self._box.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        await self._database.rows(_PUT, *self._sealed.from_config(config, key_origin).values())

    async def default(self) -> str | None:
        row = await self._database.row(_DEFAULT)
        return None if row is None else row["value"]

    async def set_default(self, provider_name: str | None) -> None:
        if provider_name is None:
            await self._database.rows(_UNSET_DEFAULT)
        else:
            await self._database.rows(_SET_DEFAULT, provider_name)

    async def delete(self, provider_name: str) -> None:
        is_text = text_problem(provider_name) is None
        if not is_text or await self._database.row(_DELETE, provider_name) is None:
            raise ProviderConfigNotFound(provider_name)
