"""What callers do with providers: list, probe and configure them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import attrs

from imagegen_core.config import (
    MASKED_SETTINGS,
    ConfigSource,
    ProviderConfig,
    check_api_base,
    check_provider_name,
    check_texts,
    combine,
    without_secret_headers,
)
from imagegen_core.errors import (
    ApiKeyRequired,
    ProviderConfigNotFound,
    ProviderNotConfigured,
    Refusal,
    ValidationFailed,
)
from imagegen_core.messages import RefusalCode
from imagegen_core.models import ProviderProfile
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import Probe
from imagegen_core.redaction import redacted_message
from imagegen_core.resolving import (
    ResolvedProvider,
    ResolveProvider,
    SecretKind,
    layered_secrets,
    secret_headers,
    unmasked,
)
from imagegen_core.secrets import Secret, is_masked

_SEAL_CONTEXT = "memory"  # the box's context for a key that is sealed only while it is being saved


@attrs.frozen(kw_only=True)
class ProviderListing:
    """All providers by name, from the database and the file together."""

    resolve: ResolveProvider

    async def configured(self) -> tuple[ResolvedProvider, ...]:
        """Return every configuration, usable or not, whose kind is installed."""
        return await self._collect(self.get, ProviderNotConfigured)

    async def get(self, provider_name: str) -> ResolvedProvider:
        """Return a configuration, usable or not; `ProviderConfigNotFound` if there is none."""
        layers = await self.resolve.layers(provider_name)
        if not layers:
            raise await self.not_found(provider_name)
        try:
            return self.resolve.describe(layers)
        except ValidationFailed as error:  # it was valid when it was saved: it can be shown and corrected
            config = self.resolve.kinds.combine(layers)
            return ResolvedProvider(
                provider=self.resolve.kinds.adapters[config.kind or ""],
                config=config,
                profile=ProviderProfile(models=()),
                problems=error.problems,
            )

    async def not_found(self, provider_name: str) -> ProviderConfigNotFound:
        """Return the refusal of an unknown name, with the name that was probably meant."""
        error = ProviderConfigNotFound(provider_name)
        error.hint = await self.resolve.name_hint(provider_name)
        return error

    async def usable(self) -> tuple[ResolvedProvider, ...]:
        """Return the providers to which a task could be sent now."""
        return await self._collect(lambda name: self.resolve(provider_name=name), Refusal)

    async def _collect(
        self, get: Callable[[str], Awaitable[ResolvedProvider]], refusal: type[Refusal]
    ) -> tuple[ResolvedProvider, ...]:
        providers = []
        for name in await self.resolve.names():
            with suppress(refusal):
                providers.append(await get(name))
        return tuple(providers)


@attrs.frozen(kw_only=True)
class Providers(ProviderListing):
    """What callers do with providers."""

    parts: Parts

    async def probe(self, provider_name: str) -> Probe:
        """Make one cheap, unpaid call to see whether the provider works; `Refusal` if not configured."""
        resolved = await self.resolve(provider_name=provider_name)
        probe = await resolved.provider.probe(resolved.config)
        return attrs.evolve(probe, detail=redacted_message(probe.detail, self.parts.redactor))

    async def toggle(self, provider_name: str, *, enabled: bool) -> ProviderConfig:
        """Switch a saved configuration on or off, unchecked; `ProviderConfigNotFound` if none is saved."""
        saved = await self.parts.configs.get(provider_name)
        if saved is None:
            raise ProviderConfigNotFound(provider_name)
        changed = attrs.evolve(saved, enabled=enabled, updated_at=self.parts.clock.now())
        await self.parts.configs.save(changed, key_origin=saved.key_origin or "")
        return changed

    async def save(self, provider_name: str, changes: Mapping[str, Any]) -> ResolvedProvider:
        """Create or change a configuration, and return it combined with the file's; fields not sent stay.

        ``changes`` are fields of `ProviderConfig` by name; ``api_key`` is the plain or the masked text. It
        raises `ApiKeyRequired` if a saved secret that was not sent with it would go to another target, or
        this machine's credentials to one that ``config.yaml`` does not say. Secret headers that the change
        does not mention are dropped instead. `UpstreamNotAllowed`: the address may not be called.
        """
        check_provider_name(provider_name)
        fields = {name: value for name, value in changes.items() if name != "api_key"}
        check_texts(fields)
        key = self._sealed(Secret.parse_unmasked(changes.get("api_key")))
        now = self.parts.clock.now()
        saved = await self.parts.configs.get(provider_name)
        file = self.resolve.file_configs.get(provider_name)
        below = () if file is None else (file,)
        empty = ProviderConfig(provider_name=provider_name, source=ConfigSource.DATABASE, created_at=now)
        current_layers = (empty if saved is None else saved, *below)
        extra: Mapping[str, Any] = fields.get("extra_config", {})
        if fields.get("api_base"):
            fields["api_base"] = check_api_base(fields["api_base"])
        if "extra_config" in fields:
            fields["extra_config"] = unmasked(extra, combine(current_layers).extra_config)
        if key is not None:
            fields["api_key"] = key
        stored = attrs.evolve(current_layers[0], **fields, updated_at=now)
        stored.check()
        # Keys that an earlier version accepted stay usable; they are refused only when they are sent again.
        sent_extra = stored.extra_config if "extra_config" in fields else {}
        self.resolve.kinds.check(self.resolve.kinds.combine([stored, *below]).kind or "", sent_extra)
        resolved = self.resolve.describe([stored, *below])
        stored = self._without_leaks(stored, extra, current_layers, resolved, sends_key=key is not None)
        for url in (resolved.config.api_base, resolved.profile.key_url):
            if url:
                await self.parts.check_address(url)
        await self.parts.configs.save(stored, key_origin=resolved.reach.origin or "")
        return self.resolve.describe([stored, *below])

    def _sealed(self, key: Secret | None) -> Secret | None:
        """Return the key sealed: what checks and stores the configuration never reads it."""
        if key is None or self.parts.box.locked:
            return key
        token = key.give_to(partial(self.parts.box.seal, context=_SEAL_CONTEXT))
        return Secret.sealed(partial(self.parts.box.open, token, context=_SEAL_CONTEXT))

    def _without_leaks(
        self,
        stored: ProviderConfig,
        extra: Mapping[str, Any],
        current_layers: Sequence[ProviderConfig],
        resolved: ResolvedProvider,
        *,
        sends_key: bool,
    ) -> ProviderConfig:
        """Return ``stored`` without secrets that it would send further than the current layers do.

        ``extra`` is its ``extra_config`` as it was sent, masked values included.
        """
        layers = (stored, *current_layers[1:])
        below = current_layers[1].extra_config if current_layers[1:] else {}
        for name in MASKED_SETTINGS:  # only config.yaml may have these; what is saved may repeat its value
            if stored.extra_config.get(name) not in (None, below.get(name)):
                target = RefusalCode.CONFIGURATION_NAMING(setting=name)
                raise ApiKeyRequired(stored.provider_name, SecretKind.CREDENTIALS, target)
        sent_headers = extra.get("headers")
        headers: Mapping[str, Any] = sent_headers if isinstance(sent_headers, Mapping) else {}
        masked = {name for name, text in headers.items() if is_masked(str(text))}
        sends = {
            SecretKind.API_KEY: sends_key,
            SecretKind.HEADERS: secret_headers(stored) <= headers.keys() - masked,
            SecretKind.PROXY: "proxy" in extra and stored.extra_config["proxy"] == extra["proxy"],
            SecretKind.CREDENTIALS: False,
        }
        current, scopes = layered_secrets(current_layers), layered_secrets(layers)
        scopes = {kind: current.get(kind, scope) for kind, scope in scopes.items() if not sends[kind]}
        for kind, leak in self.resolve.leaks(scopes, layers, resolved):
            if kind is not SecretKind.HEADERS or masked & secret_headers(stored):
                raise ApiKeyRequired(stored.provider_name, kind, leak)
            stored = without_secret_headers(stored, but=headers.keys() - masked)
        return stored
