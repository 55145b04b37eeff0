"""Find out how a provider is to be used now: adapter, combined configuration, profile."""

from collections.abc import Mapping

import attrs

from imagegen_core.addresses import origin
from imagegen_core.errors import (
    ApiKeyRequired,
    ProviderDisabled,
    ProviderNotConfigured,
    Refusal,
    ValidationFailed,
)
from imagegen_core.ports.provider import Provider, ProviderProfile
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.redactor import Redactor
from imagegen_core.provider_configs import (
    ConfigSource,
    ProviderConfig,
    check_key_origin,
    combine,
    index_of_key,
    is_secret_header,
    without_secret_headers,
)


@attrs.frozen(kw_only=True)
class ResolvedProvider:
    """A provider ready for a call; ``config.api_base`` holds the profile's default where none was given."""

    provider: Provider
    config: ProviderConfig
    profile: ProviderProfile

    @property
    def max_concurrency(self) -> int | None:
        """How many calls may run at once: the configuration's word, else the profile's."""
        said = self.config.extra_config.get("max_concurrency")
        return int(said) if said is not None else self.profile.max_concurrency

    @property
    def origin(self) -> str | None:
        """Where it is, as ``scheme://host:port``."""
        return origin(self.config.api_base) if self.config.api_base else None

    @property
    def key_reach(self) -> frozenset[str]:
        """Everything that gets to see the key: the origin, hosts of the profile, a proxy of plain HTTP."""
        here, proxy = self.origin or "", self.config.extra_config.get("proxy")
        seen_by_proxy = [str(proxy)] if proxy and not here.startswith("https:") else []
        return frozenset({*([here] if here else []), *self.profile.key_hosts, *seen_by_proxy})


@attrs.frozen(kw_only=True)
class ResolveProvider:
    """Combines request, database and file, strongest first."""

    configs: ProviderConfigs
    file_configs: Mapping[str, ProviderConfig]
    providers: Mapping[str, Provider]
    redactor: Redactor

    async def __call__(
        self, *, provider_name: str, override: ProviderConfig | None = None, require_saved: bool = False
    ) -> ResolvedProvider:
        """Return the provider as it is configured at this moment.

        Raises:
            ProviderNotConfigured: nothing is known of it, or an address or key is missing.
            ProviderDisabled: it is switched off.
            ApiKeyRequired: the address is of another origin than the key was given for.
            Unavailable: its key is locked.
        """
        saved = await self.configs.get(provider_name)
        if require_saved and saved is None:
            raise ProviderNotConfigured(provider_name, "no configuration is saved for it")
        layers = [c for c in (saved, self.file_configs.get(provider_name)) if c is not None]
        configured = bool(layers)
        if override is not None and (not configured or override.changes(combine(layers))):
            layers.insert(0, override)
        if not layers:
            raise ProviderNotConfigured(provider_name)
        resolved = self.describe(layers)
        if not configured and not resolved.profile.models:
            raise ProviderNotConfigured(provider_name)
        self.check_key(layers, resolved)
        self._check(resolved)
        return self._with_headers_at_home(layers, resolved)

    async def concurrency(self, provider_name: str) -> int | None:
        """Return how many tasks of a provider may run at once; None: nothing limits them.

        Neither does anything limit the tasks of a provider that is gone: they only end.
        """
        saved = await self.configs.get(provider_name)
        layers = [c for c in (saved, self.file_configs.get(provider_name)) if c is not None]
        unsaid = ProviderConfig(provider_name=provider_name, source=ConfigSource.REQUEST)
        try:
            return self.describe(layers or [unsaid]).max_concurrency
        except Refusal:
            return None

    def again(self, config: ProviderConfig) -> ResolvedProvider:
        """Return the provider as it was when a call was sent under ``config``, to finish that call.

        Whether it is switched on, and what is configured now, does not matter to what was accepted.

        Raises:
            Refusal: this version cannot use the configuration.
        """
        resolved = self.describe([config])
        for secret in _secrets(resolved.config):
            self.redactor.register(secret)
        return resolved

    def check_key(self, layers: list[ProviderConfig], resolved: ResolvedProvider) -> None:
        """Check that the key goes where it was given for, and that no layer above it takes it further.

        Raises:
            ApiKeyRequired: the layer that moves it must bring its own.
        """
        check_key_origin(layers, resolved.profile.default_api_base)
        first = index_of_key(layers)
        if first is None:
            return
        given_for = layers[first].key_origin
        if resolved.origin and given_for and resolved.origin != given_for:
            raise ApiKeyRequired(resolved.config.provider_name)
        if any(layer.extra_config or layer.kind for layer in layers[:first]):
            further = resolved.key_reach - self.describe(layers[first:]).key_reach
            if further:
                raise ApiKeyRequired(resolved.config.provider_name, min(further).rpartition("@")[2])

    def _with_headers_at_home(
        self, layers: list[ProviderConfig], resolved: ResolvedProvider
    ) -> ResolvedProvider:
        """Leave secret headers out where a layer above theirs moved the address to another origin."""
        given = next((i for i, layer in enumerate(layers) if layer.extra_config.get("headers")), 0)
        if given == 0 or self.describe(layers[given:]).origin == resolved.origin:
            return resolved
        return attrs.evolve(resolved, config=without_secret_headers(resolved.config))

    def describe(self, layers: list[ProviderConfig]) -> ResolvedProvider:
        """Return what the layers amount to, whether or not it could be used."""
        config = combine(layers)
        provider = self.providers.get(config.kind or "")
        if provider is None:
            raise ProviderNotConfigured(config.provider_name, f"its kind {config.kind!r} is not installed")
        try:
            profile = provider.describe(config)
        except ValidationFailed as error:
            if any(layer.source is ConfigSource.DATABASE for layer in layers):
                raise
            raise ProviderNotConfigured(config.provider_name, str(error)) from error
        config = attrs.evolve(config, api_base=config.api_base or profile.default_api_base)
        return ResolvedProvider(provider=provider, config=config, profile=profile)

    def _check(self, resolved: ResolvedProvider) -> None:
        config, profile = resolved.config, resolved.profile
        if not config.is_enabled:
            raise ProviderDisabled(config.provider_name)
        if profile.needs_api_base and not config.api_base:
            raise ProviderNotConfigured(config.provider_name, "api_base is missing")
        if profile.needs_api_key and config.api_key is None:
            raise ProviderNotConfigured(config.provider_name, "api_key is missing")
        for secret in _secrets(config):
            self.redactor.register(secret)


def _secrets(config: ProviderConfig) -> list[str]:
    """Return what nobody may see of a configuration: the key, secret headers, the proxy's password."""
    headers = config.extra_config.get("headers") or {}
    found = [text for name, text in headers.items() if is_secret_header(name)]
    user, at, _ = str(config.extra_config.get("proxy") or "").partition("://")[2].rpartition("@")
    if at:
        found.append(user)
    return found if config.api_key is None else [config.api_key.reveal(), *found]
