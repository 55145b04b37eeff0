"""Saved provider configurations in memory, with keys as they are given: sealed or not."""

import attrs

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ProviderConfigNotFound


class MemoryProviderConfigs:
    """One configuration per provider name; lost when the process ends."""

    def __init__(self) -> None:
        self._configs: dict[str, ProviderConfig] = {}
        self._default: str | None = None

    async def get(self, provider_name: str) -> ProviderConfig | None:
        return self._configs.get(provider_name)

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple(config for _, config in sorted(self._configs.items()))

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if config.api_key is not None:
            config.api_key.reveal()
        before = self._configs.get(config.provider_name)
        created_at = (before.created_at if before else None) or config.created_at
        self._configs[config.provider_name] = attrs.evolve(
            config, source=ConfigSource.DATABASE, created_at=created_at, key_origin=key_origin or None
        )

    async def default(self) -> str | None:
        return self._default

    async def set_default(self, provider_name: str | None) -> None:
        self._default = provider_name

    async def delete(self, provider_name: str) -> None:
        if self._configs.pop(provider_name, None) is None:
            raise ProviderConfigNotFound(provider_name)
