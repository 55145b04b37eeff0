"""Find out how a provider is to be used now: adapter, combined configuration, profile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from imagegen_core.errors import (
    ApiKeyRequired,
    ProviderDisabled,
    ProviderNotConfigured,
    Refusal,
    ValidationFailed,
)
from imagegen_core.messages import Message
from imagegen_core.ports.provider import Provider, ProviderProfile
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import RefusalCode
from imagegen_core.providers.config import (
    ConfigSource,
    ProviderConfig,
    combine,
    is_secret_header,
    without_secret_headers,
)
from imagegen_core.providers.secret_reach import LayeredSecret, Reach, SecretKind, layered_secrets
from imagegen_core.providers.unknown_keys import unknown_extra_keys


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
    def warnings(self) -> tuple[Message, ...]:
        """What whoever configures it should know: settings that cannot be right, models that are retired."""
        problem = self.profile.key_problem
        key = () if problem is None else (RefusalCode.PROBLEM(field="api_key", reason=problem),)
        unread = unknown_extra_keys(self.config.extra_config, self.provider.extra_keys)
        extra = (RefusalCode.PROBLEM(field=p.field, reason=p.reason) for p in unread)
        return (*key, *extra, *(m.warning for m in self.profile.models if m.warning))

    @property
    def reach(self) -> Reach:
        """Who gets to see the secrets of the configuration."""
        return Reach.of(self.config, self.profile)


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
            ApiKeyRequired: a secret would get further than where it was given for.
            Unavailable: its key is locked.
        """
        saved = await self.configs.get(provider_name)
        if require_saved and saved is None:
            raise ProviderNotConfigured(provider_name, RefusalCode.NOTHING_SAVED())
        layers = [c for c in (saved, self.file_configs.get(provider_name)) if c is not None]
        configured = bool(layers)
        if override is not None and (not configured or override.changes(combine(layers))):
            layers.insert(0, override)
        if not layers:
            raise ProviderNotConfigured(provider_name)
        resolved = self.describe(layers)
        if not configured and not resolved.profile.models:
            raise ProviderNotConfigured(provider_name)
        resolved = self._without_leaks(layers, resolved)
        self._check(resolved)
        return resolved

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

    def _without_leaks(self, layers: list[ProviderConfig], resolved: ResolvedProvider) -> ResolvedProvider:
        """Return it with no secret that would get further than where its layer may send it.

        Secret headers are left out; nothing can be done in the place of the others.

        Raises:
            ApiKeyRequired: the layer that moves one must bring its own.
        """
        for secret, where in self.leaks(layered_secrets(layers), layers, resolved):
            if secret.kind is not SecretKind.HEADERS:
                raise ApiKeyRequired(resolved.config.provider_name, secret.kind, where)
            resolved = attrs.evolve(resolved, config=without_secret_headers(resolved.config))
        return resolved

    def leaks(
        self, secrets: Iterable[LayeredSecret], layers: Sequence[ProviderConfig], resolved: ResolvedProvider
    ) -> Iterator[tuple[LayeredSecret, Message | str]]:
        """Yield those of the secrets that would get further than their home, and where to.

        ``resolved`` is what the layers amount to.
        """
        whole, every = resolved.reach, tuple(layers)
        for secret in secrets:
            where = secret.leaks_to(whole, lambda home: whole if home == every else self._reach(home))
            if where is not None:
                yield secret, where

    def _reach(self, layers: Sequence[ProviderConfig]) -> Reach:
        """Return what the layers reach; nothing where they are none, or make no sense without others."""
        try:
            return self.describe(layers).reach if layers else Reach()
        except Refusal:
            return Reach()

    def describe(self, layers: Sequence[ProviderConfig]) -> ResolvedProvider:
        """Return what the layers amount to, whether or not it could be used."""
        config = combine(layers)
        provider = self.providers.get(config.kind or "")
        if provider is None:
            reason = RefusalCode.KIND_NOT_INSTALLED(kind=config.kind or "")
            raise ProviderNotConfigured(config.provider_name, reason)
        try:
            profile = provider.describe(config)
        except ValidationFailed as error:
            if any(layer.source is ConfigSource.DATABASE for layer in layers):
                raise
            raise ProviderNotConfigured(config.provider_name, error.reason) from error
        config = attrs.evolve(config, api_base=config.api_base or profile.default_api_base)
        return ResolvedProvider(provider=provider, config=config, profile=profile)

    def _check(self, resolved: ResolvedProvider) -> None:
        config, profile = resolved.config, resolved.profile
        if not config.is_enabled:
            raise ProviderDisabled(config.provider_name)
        if profile.needs_api_base and not config.api_base:
            raise ProviderNotConfigured(config.provider_name, RefusalCode.NO_API_BASE())
        if profile.needs_api_key and config.api_key is None:
            raise ProviderNotConfigured(config.provider_name, RefusalCode.NO_API_KEY())
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
