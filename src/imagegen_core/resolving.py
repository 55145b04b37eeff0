"""Providers: which adapter serves one, under which combined configuration, and how far secrets may travel.

A secret goes no further than the layer that defines it reaches together with the layers below it. A higher
layer may redirect calls by another address, document or proxy. Its own secrets follow; those of lower layers
do not, so that nobody can divert someone else's key.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import unquote

import attrs

from imagegen_core.config import (
    MASKED_SETTINGS,
    ConfigSource,
    ProviderConfig,
    check_api_base,
    check_provider_name,
    check_texts,
    combine,
    is_secret_header,
    origin,
    unknown_extra_keys,
    without_secret_headers,
)
from imagegen_core.errors import (
    ApiKeyRequired,
    ProviderConfigNotFound,
    ProviderDisabled,
    ProviderEnded,
    ProviderNotConfigured,
    Refusal,
    ValidationFailed,
    nearest,
)
from imagegen_core.facts import prices_of
from imagegen_core.limits import DEFAULT_PROVIDER
from imagegen_core.messages import Message, Problem, ProblemCode, RefusalCode
from imagegen_core.models import ProviderProfile
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import Probe, Provider
from imagegen_core.ports.secrets import ProviderConfigs
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor, Secret, is_masked, redacted_message
from imagegen_core.values import IdentityCache


class SecretKind(StrEnum):
    """Kinds of secrets that must not leak.

    A proxy's password gives access to wherever calls go, so it is bound to the same hosts as the others.
    ``CREDENTIALS`` are this machine's own, such as Google's.
    """

    API_KEY = "api_key"
    HEADERS = "headers"
    PROXY = "proxy"
    CREDENTIALS = "credentials"


@attrs.frozen(kw_only=True)
class Reach:
    """The parties that see the secrets of a configuration.

    ``origin`` is where calls go, then where the key is exchanged for a token. ``others`` are further hosts
    and proxies. ``credentials`` names the machine's own credentials that calls use, and for what.
    """

    origin: str | None = None
    others: frozenset[str] = frozenset()
    credentials: str | None = None


Scopes = Mapping[SecretKind, tuple[ProviderConfig, ...]]
"""For each secret the layer that defines it and those below, strongest first."""


def layered_secrets(layers: Sequence[ProviderConfig]) -> Scopes:
    """Return the scopes of the secrets of the layers, strongest first.

    This machine's credentials are the operator's: their scope is the file layer, whoever uses them.
    """
    scopes = {}
    for kind in (SecretKind.API_KEY, SecretKind.HEADERS, SecretKind.PROXY):
        first = next((i for i, layer in enumerate(layers) if _has_secret(layer, kind) is not None), None)
        if first is not None and _has_secret(layers[first], kind):
            scopes[kind] = tuple(layers[first:])
    return {**scopes, SecretKind.CREDENTIALS: tuple(c for c in layers if c.source is ConfigSource.FILE)}


def _leak(
    kind: SecretKind, scope: Sequence[ProviderConfig], reach: Reach, allowed: Reach
) -> Message | str | None:
    """Return where a secret would go beyond the reach that its scope allows; None if nowhere."""
    if kind is SecretKind.CREDENTIALS and reach.credentials != allowed.credentials:
        return reach.origin or RefusalCode.OWN_ADDRESS()
    if reach.origin is not None:
        bound_origin = scope[0].key_origin if scope else None
        for bound in (reach.origin if bound_origin is None else bound_origin, allowed.origin):
            if reach.origin != bound:  # which of the origins, of calls and of a login, is not bound already
                return " ".join(sorted({*reach.origin.split()} - {*(bound or "").split()})) or reach.origin
    return min(reach.others - allowed.others, default=None)


def secret_headers(config: ProviderConfig) -> frozenset[str]:
    headers: Any = config.extra_config.get("headers") or {}
    return frozenset(filter(is_secret_header, headers))


def _has_secret(layer: ProviderConfig, kind: SecretKind) -> bool | None:
    """Return whether a layer has such a secret; None if it leaves that to the layers below."""
    extra = layer.extra_config
    if kind is SecretKind.API_KEY:
        return True if layer.api_key is not None else None
    if kind is SecretKind.HEADERS:
        return bool(secret_headers(layer)) if "headers" in extra else None
    return "@" in str(extra["proxy"]) if "proxy" in extra else None


def _proxy_origin(proxy: Any) -> str:
    try:
        return origin(str(proxy))
    except ValueError:
        return str(proxy).rpartition("@")[2]


def unmasked(extra: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``extra`` with its masked values replaced by those of the configuration that was ``shown``."""
    unmasked, shown_headers = dict(extra), shown.get("headers") or {}
    if isinstance(headers := extra.get("headers"), Mapping):
        unmasked["headers"] = {
            name: shown_headers.get(name, text) if isinstance(text, str) and is_masked(text) else text
            for name, text in headers.items()
        }
    for name in MASKED_SETTINGS:
        if isinstance(text := extra.get(name), str) and is_masked(text) and name in shown:
            unmasked[name] = shown[name]
    proxy, saved = extra.get("proxy"), shown.get("proxy")
    if isinstance(proxy, str) and isinstance(saved, str) and is_masked(_user_of(proxy)):
        unmasked["proxy"] = proxy.replace(_user_of(proxy), _user_of(saved), 1)
        if unmasked["proxy"] != saved:
            raise ValidationFailed.for_field("extra_config.proxy", ProblemCode.PROXY_PASSWORD_NEEDED())
    return unmasked


def _user_of(proxy: str) -> str:
    return proxy.partition("://")[2].rpartition("@")[0]


_MIN_SIMILARITY = 0.65  # ``opnai`` and ``openai`` have 0.91, ``genimi`` and ``gemini`` 0.67
_MIN_SIMILARITY_OF_SAVED = 0.75  # higher, since what is configured is probably meant
_PROTOCOL_KEYS = frozenset({"preset", "spec"})


@attrs.frozen(kw_only=True)
class ProviderKinds:
    """The adapters of this program, by kind; each says which names it goes by (`Provider.names`)."""

    adapters: Mapping[str, Provider]

    def implied_by(self, provider_name: str) -> str | None:
        """Return the kind that a name implies, by the longest match."""
        matches = [
            (len(name), kind)
            for kind, adapter in self.adapters.items()
            for name in adapter.names
            if name == provider_name or (name.endswith("*") and provider_name.startswith(name[:-1]))
        ]
        return max(matches)[1] if matches else None

    def similar_name(
        self, provider_name: str, others: Iterable[str] = (), *, cutoff: float = _MIN_SIMILARITY
    ) -> str | None:
        """Return the name that was probably meant: of an adapter, or one of ``others``."""
        own = {name.removesuffix("*") for adapter in self.adapters.values() for name in adapter.names}
        kinds = (kind.replace("_", "-") for kind in self.adapters)
        names = {*own, *kinds, *others} - {""}
        return None if provider_name in names else nearest(provider_name, names, min_similarity=cutoff)

    def misspelt_name(self, config: ProviderConfig) -> str | None:
        """Return the name that was probably meant by a configuration that names no protocol.

        One that contains another name, such as ``openai-2``, is no mistake.
        """
        adapter = self.adapters.get(config.kind or "")
        if adapter is None or "*" not in adapter.names or not _PROTOCOL_KEYS.isdisjoint(config.extra_config):
            return None
        name = self.similar_name(config.provider_name, cutoff=_MIN_SIMILARITY_OF_SAVED)
        return None if name is None or name in config.provider_name else name

    def combine(self, layers: Sequence[ProviderConfig]) -> ProviderConfig:
        """Return the layers as one configuration; without a kind, its name implies one."""
        config = combine(layers)
        return attrs.evolve(config, kind=config.kind or self.implied_by(config.provider_name))

    def check(self, kind: str | None, extra_config: Mapping[str, Any]) -> None:
        """Check what only adapters know of a layer: its kind, and the keys of its ``extra_config``.

        Without a kind a key of any kind will do: a layer above may say it.
        """
        if kind is not None and kind not in self.adapters:
            choices = tuple(sorted(self.adapters))
            raise ValidationFailed.for_field("kind", ProblemCode.NOT_ONE_OF(choices=choices))
        readers = self.adapters.values() if kind is None else [self.adapters[kind]]
        known_keys = frozenset[str]().union(*(adapter.extra_keys for adapter in readers))
        if problems := unknown_extra_keys(extra_config, known_keys):
            raise ValidationFailed(*problems)


@attrs.frozen(kw_only=True)
class ResolvedProvider:
    """A provider ready for a call; ``config.api_base`` falls back to the profile's default.

    With ``problems`` this version cannot use the configuration, only show it. ``misspelt`` is the name that
    was probably meant, if this one looks like a mistake.
    """

    provider: Provider
    config: ProviderConfig
    profile: ProviderProfile
    problems: tuple[Problem, ...] = ()
    misspelt: str | None = None

    @property
    def display_name(self) -> str:
        return self.config.display_name or self.profile.display_name or self.config.provider_name

    @property
    def max_concurrency(self) -> int | None:
        """Calls that may run at once: from the configuration, else from the profile."""
        configured = self.config.extra_config.get("max_concurrency")
        return int(configured) if configured is not None else self.profile.max_concurrency

    def warnings_on(self, day: dt.date) -> tuple[Message, ...]:
        """Return warnings for whoever configures it: settings that cannot be right, models that end."""
        problems = list(self.problems)
        if not problems:
            problems += unknown_extra_keys(self.config.extra_config, self.provider.extra_keys)
        if self.profile.key_problem is not None:
            problems.insert(0, Problem("api_key", self.profile.key_problem))
        others = (RefusalCode.PROBLEM(field=problem.field, reason=problem.reason) for problem in problems)
        return (*self.name_warnings, *others, *self.endings_on(day))

    def endings_on(self, day: dt.date) -> tuple[Message, ...]:
        """Return a warning for each model in use that is retired on that day or will be.

        In use are the configured models and the default; what else a catalogue lists was nobody's choice.
        """
        named = {model.id for model in self.config.models or ()}
        in_use = (model for model in self.profile.models if model.default or model.id in named)
        return tuple(warning for model in in_use if (warning := model.warning_on(day)) is not None)

    @property
    def name_warnings(self) -> tuple[Message, ...]:
        return () if self.misspelt is None else (RefusalCode.LIKE_ANOTHER(name=self.misspelt),)

    @property
    def reach(self) -> Reach:
        profile = self.profile
        targets = [origin(url) for url in (self.config.api_base, profile.key_url) if url]
        proxy = self.config.extra_config.get("proxy")
        # A proxy tunnels https without reading it; of anything else it sees every header.
        is_encrypted = targets and all(target.startswith("https:") for target in targets)
        observers = {_proxy_origin(proxy)} if proxy and not is_encrypted else ()
        return Reach(
            origin=" ".join(targets) or None,
            others=frozenset((*profile.key_hosts, *observers, *filter(None, [profile.key_url]))),
            credentials=profile.ambient_credentials,
        )


@attrs.frozen(kw_only=True, eq=False)
class ResolveProvider:
    """Combines the configurations of request, database and file, strongest first; results are cached."""

    configs: ProviderConfigs
    file_configs: Mapping[str, ProviderConfig]
    default_provider: str = DEFAULT_PROVIDER
    kinds: ProviderKinds
    redactor: Redactor
    clock: Clock
    _results: dict[dt.date, dict[str, IdentityCache[ResolvedProvider]]] = attrs.field(
        factory=dict, init=False
    )

    async def __call__(
        self,
        *,
        provider_name: str,
        override: ProviderConfig | None = None,
        require_saved: bool = False,
        may_be_off: bool = False,
    ) -> ResolvedProvider:
        """Return a provider as it is configured now; one that is switched off only if it ``may_be_off``."""
        try:
            if require_saved and await self.configs.get(provider_name) is None:
                raise ProviderNotConfigured(provider_name, RefusalCode.NOTHING_SAVED())
            layers = await self.layers(provider_name)
            configured = bool(layers)
            if override is not None and (not configured or override.changes(combine(layers))):
                layers.insert(0, override)
            if not layers:
                raise ProviderNotConfigured(provider_name)
            resolved = self._cached("usable", layers, partial(self._usable, layers, configured=configured))
        except ProviderNotConfigured as error:
            error.hint = await self.name_hint(provider_name)
            raise
        except ProviderDisabled:
            if not may_be_off:
                raise
            return self.describe(await self.layers(provider_name))
        self._mask_secrets(resolved.config)
        return resolved

    async def name_hint(self, provider_name: str) -> Message | None:
        """Return the name that was probably meant by one that cannot be used."""
        name = self.kinds.similar_name(provider_name, await self.names())
        return None if name is None else RefusalCode.DID_YOU_MEAN(name=name)

    async def names(self) -> list[str]:
        return sorted({*(config.provider_name for config in await self.configs.all()), *self.file_configs})

    async def layers(self, provider_name: str) -> list[ProviderConfig]:
        """Return the layers of a provider: what is saved, then the file's."""
        layers = (await self.configs.get(provider_name), self.file_configs.get(provider_name))
        return [layer for layer in layers if layer is not None]

    async def default_name(self) -> str:
        """Return where a task without a provider goes: as saved, else as in the settings."""
        return await self.configs.default() or self.default_provider

    async def concurrency(self, provider_name: str) -> int | None:
        """Return how many tasks of a provider may run at once; None without a limit.

        A provider that is no longer configured has none: its tasks only end.
        """
        empty = ProviderConfig(provider_name=provider_name, source=ConfigSource.REQUEST, is_unchecked=True)
        try:
            return self.describe(await self.layers(provider_name) or [empty]).max_concurrency
        except Refusal:
            return None

    def for_sent_call(self, config: ProviderConfig) -> ResolvedProvider:
        """Return the provider as it was when a call was sent under ``config``, to finish that call.

        It does not depend on the current configuration, or on whether the provider is enabled.
        """
        resolved = self._described([config])
        self._mask_secrets(resolved.config)
        return resolved

    def _usable(self, layers: list[ProviderConfig], *, configured: bool) -> ResolvedProvider:
        """Return the provider if it is complete, and sends no secret further than its layer may."""
        try:
            resolved = self.describe(layers)
        except ProviderEnded as error:
            if any(layer.source is ConfigSource.DATABASE for layer in layers):
                raise
            raise ProviderNotConfigured(self.kinds.combine(layers).provider_name, error.reason) from error
        if not configured and not resolved.profile.models:
            raise ProviderNotConfigured(resolved.config.provider_name)
        config, profile = resolved.config, resolved.profile
        for kind, target in self.leaks(layered_secrets(layers), layers, resolved):
            if kind is not SecretKind.HEADERS:  # a call can do without those alone
                raise ApiKeyRequired(config.provider_name, kind, target)
            config = without_secret_headers(config)
        if not config.is_enabled:
            raise ProviderDisabled(config.provider_name)
        if profile.needs_api_base and not config.api_base:
            raise ProviderNotConfigured(config.provider_name, RefusalCode.NO_API_BASE())
        if profile.needs_api_key and config.api_key is None:
            raise ProviderNotConfigured(config.provider_name, RefusalCode.NO_API_KEY())
        return attrs.evolve(resolved, config=config)

    def leaks(
        self, scopes: Scopes, layers: Sequence[ProviderConfig], resolved: ResolvedProvider
    ) -> Iterator[tuple[SecretKind, Message | str]]:
        """Yield the secrets that would leave their scope, each with its target."""
        reach, all_layers = resolved.reach, tuple(layers)
        for kind, scope in scopes.items():
            if kind is SecretKind.CREDENTIALS and reach.credentials is None:
                continue
            allowed = reach if scope == all_layers else self._reach(scope)
            if (target := _leak(kind, scope, reach, allowed)) is not None:
                yield kind, target

    def _reach(self, layers: Sequence[ProviderConfig]) -> Reach:
        """Return the reach of the layers; an empty one if they are unusable on their own."""
        try:
            return self.describe(layers).reach if layers else Reach()
        except Refusal:
            return Reach()

    def describe(self, layers: Sequence[ProviderConfig]) -> ResolvedProvider:
        """Return the combination of the layers, whether or not it is complete enough for a call."""
        return self._cached("described", layers, partial(self._described, layers, check=True))

    def _cached(
        self, name: str, layers: Sequence[ProviderConfig], make: Callable[[], ResolvedProvider]
    ) -> ResolvedProvider:
        """Return this day's result; on the next one, a default model may have retired."""
        if (day := self.clock.now().date()) not in self._results:
            self._results.clear()
            self._results[day] = {"described": IdentityCache(), "usable": IdentityCache()}
        return self._results[day][name].result_for(layers, make)

    def _described(self, layers: Sequence[ProviderConfig], *, check: bool = False) -> ResolvedProvider:
        config = self.kinds.combine(layers)
        provider = self.kinds.adapters.get(config.kind or "")
        if provider is None:
            reason = RefusalCode.KIND_NOT_INSTALLED(kind=config.kind or "")
            raise ProviderNotConfigured(config.provider_name, reason)
        try:
            if check:
                config.check()
            profile = provider.describe(config).with_prices(prices_of(config.extra_config))
            profile = profile.with_default_on(self.clock.now().date())
        except ProviderEnded:
            raise
        except ValidationFailed as error:
            if any(layer.source is ConfigSource.DATABASE for layer in layers):
                raise
            raise ProviderNotConfigured(config.provider_name, error.reason) from error
        config = attrs.evolve(
            config,
            api_base=config.api_base or profile.default_api_base,
            timeout_seconds=config.timeout_seconds or profile.default_timeout,
        )
        misspelt = self.kinds.misspelt_name(config)
        return ResolvedProvider(provider=provider, config=config, profile=profile, misspelt=misspelt)

    def _mask_secrets(self, config: ProviderConfig) -> None:
        """Keep the key, secret headers, and the proxy's user and password out of logs."""
        if config.api_key is not None:
            config.api_key.give_to(self.redactor.register)
        headers = config.extra_config.get("headers") or {}
        secrets = [text for name, text in headers.items() if is_secret_header(name)]
        if user := _user_of(str(config.extra_config.get("proxy") or "")):
            secrets += dict.fromkeys((user, unquote(user)))  # as they are written and as they are sent
        for secret in secrets:
            self.redactor.register(secret)


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
