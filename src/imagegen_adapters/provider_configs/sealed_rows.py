"""Configurations as rows, in whichever database: each secret is sealed for one provider and one origin."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from imagegen_adapters.databases.json_columns import (
    from_json,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
)
from imagegen_adapters.databases.task_rows import Row
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.providers.addresses import origin
from imagegen_core.providers.config import (
    ConfigSource,
    ModelEntry,
    ProviderConfig,
    split_secrets,
    with_secrets,
)
from imagegen_core.providers.secrets import Secret


class SealedRows:
    """Converts configurations to rows, and back without opening their secrets.

    A key opens only in its own row and only while that row's address has the origin that the key was saved
    for, so neither a swapped token nor an edited address sends a key to another host. Where the key is
    exchanged for a token stands behind that origin, and is compared with the document when it is used. The
    same holds for secret headers and a proxy's password, which are sealed together. If they cannot be opened,
    the key counts as locked, since a call without them would differ from what was configured.
    """

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def from_config(self, config: ProviderConfig, key_origin: str) -> dict[str, Any]:
        """Return the row of a configuration."""
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
            "enabled": config.enabled,
            "timeout_seconds": config.timeout_seconds,
            "max_retries": config.max_retries,
            "extra_config": to_json(public),
            "sealed_extra": seal_extra(to_json(secret)) if secret else None,
            "created_at": optional_timestamp(config.created_at),
            "updated_at": optional_timestamp(config.updated_at),
        }

    def _seal(self, config: ProviderConfig, key_origin: str, column: str) -> Callable[[str], str]:
        return partial(self._box.seal, context=_context(config.provider_name, key_origin, column))

    def to_config(self, row: Row) -> ProviderConfig:
        """Return the configuration of a row."""
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
