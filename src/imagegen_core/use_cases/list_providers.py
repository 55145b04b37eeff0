"""List the providers: how they are configured, and which of them a client can use now."""

import attrs

from imagegen_core.config import ProviderConfig
from imagegen_core.errors import (
    ProviderConfigNotFound,
    ProviderNotConfigured,
    Refusal,
    ValidationFailed,
)
from imagegen_core.execution.redacted_json import redacted_message
from imagegen_core.models import ProviderProfile
from imagegen_core.ports.provider import Probe
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import Problem
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider


@attrs.frozen(kw_only=True)
class ListProviders:
    """Lists all providers by name, from the database and the file together."""

    resolve: ResolveProvider

    async def configured(self) -> tuple[ResolvedProvider, ...]:
        """Return every configuration, usable or not, whose kind is installed."""
        providers = []
        for name in await self._names():
            try:
                providers.append(await self.get(name))
            except ProviderNotConfigured:
                continue
        return tuple(providers)

    async def get(self, provider_name: str) -> ResolvedProvider:
        """Return one configuration.

        Raises:
            ProviderConfigNotFound: neither saved nor in the file.
        """
        resolved = await self._describe(provider_name)
        if resolved is None:
            raise await self.not_found(provider_name)
        return resolved

    async def not_found(self, provider_name: str) -> ProviderConfigNotFound:
        """Return the refusal of a name that no provider has, with the name that was probably meant."""
        error = ProviderConfigNotFound(provider_name)
        error.hint = await self.resolve.name_hint(provider_name)
        return error

    async def usable(self) -> tuple[ResolvedProvider, ...]:
        """Return the providers to which a task could be sent now."""
        providers = []
        for name in await self._names():
            try:
                providers.append(await self.resolve(provider_name=name))
            except Refusal:
                continue
        return tuple(providers)

    async def _names(self) -> list[str]:
        saved = [config.provider_name for config in await self.resolve.configs.all()]
        return sorted({*saved, *self.resolve.file_configs})

    async def _describe(self, name: str) -> ResolvedProvider | None:
        saved = await self.resolve.configs.get(name)
        layers = [c for c in (saved, self.resolve.file_configs.get(name)) if c is not None]
        if not layers:
            return None
        try:
            return self.resolve.describe(layers)
        except ValidationFailed as error:
            return self._unusable(self.resolve.kinds.combine(layers), error.problems)

    def _unusable(self, config: ProviderConfig, problems: tuple[Problem, ...]) -> ResolvedProvider:
        """Return a configuration that was valid when it was saved, so that it can be shown and corrected."""
        provider = self.resolve.kinds.adapters[config.kind or ""]
        profile = ProviderProfile(models=())
        return ResolvedProvider(provider=provider, config=config, profile=profile, problems=problems)


@attrs.frozen(kw_only=True)
class ProbeProvider:
    """Makes one cheap, unpaid call."""

    resolve: ResolveProvider
    redactor: Redactor

    async def __call__(self, *, provider_name: str) -> Probe:
        """Return whether the provider could be used now.

        Raises:
            Refusal: its configuration is not complete enough for a call.
        """
        resolved = await self.resolve(provider_name=provider_name)
        probe = await resolved.provider.probe(resolved.config)
        return attrs.evolve(probe, detail=redacted_message(probe.detail, self.redactor))
