"""Save the configuration of a provider, or switch it on or off."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from imagegen_core.errors import ApiKeyRequired, ProviderConfigNotFound, ValidationFailed
from imagegen_core.limits import MAX_CONCURRENCY, MAX_PROVIDER_NAME_CHARS
from imagegen_core.messages import Message
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.upstream_guard import UpstreamGuard
from imagegen_core.problems import Problem, ProblemCode, RefusalCode
from imagegen_core.providers.addresses import origin
from imagegen_core.providers.config import (
    MASKED_SETTINGS,
    SERVICE_HEADERS,
    ConfigSource,
    ProviderConfig,
    combine,
    without_secret_headers,
)
from imagegen_core.providers.config_changes import ProviderChange
from imagegen_core.providers.secret_reach import SecretKind, layered_secrets, secret_headers
from imagegen_core.providers.unknown_keys import unknown_extra_keys
from imagegen_core.text_problems import text_problems
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider

_NAME = re.compile(f"[a-z0-9._-]{{1,{MAX_PROVIDER_NAME_CHARS}}}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS = SERVICE_HEADERS | {"content-type"}
_MAX_CONCURRENCY = 1000
"""Far above any use."""


def check_provider_name(name: str) -> str:
    """Return the name.

    Raises:
        ValidationFailed: it is not 1–64 of ``a-z 0-9 . _ -``.
    """
    if not _NAME.fullmatch(name):
        raise ValidationFailed.for_field(
            "provider_name", ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS)
        )
    return name


@attrs.frozen(kw_only=True)
class SaveProvider:
    """Creates or changes one configuration; fields that are not sent stay as they are."""

    configs: ProviderConfigs
    resolve: ResolveProvider
    guard: UpstreamGuard
    clock: Clock

    async def __call__(self, *, provider_name: str, changes: Mapping[str, Any]) -> ResolvedProvider:
        """Store the changed configuration and return it combined with the file's.

        ``changes`` are fields of `ProviderConfig` by name; ``api_key`` is the plain or the masked text.

        A change that would send a saved secret to another target is refused unless the secret is sent with
        it; secret headers that the change does not mention at all are dropped instead.

        Raises:
            ValidationFailed: a field is invalid; it names the path.
            ApiKeyRequired: another address, document or proxy would see a secret that was not sent with it,
                or the credentials of this machine would be used for something that ``config.yaml`` does not
                say.
            UpstreamNotAllowed: the address is not allowed.
        """
        check_provider_name(provider_name)
        _check_texts(changes)
        now = self.clock.now()
        saved = await self.configs.get(provider_name)
        file = self.resolve.file_configs.get(provider_name)
        below = () if file is None else (file,)
        empty = ProviderConfig(provider_name=provider_name, source=ConfigSource.DATABASE, created_at=now)
        current_layers = (empty if saved is None else saved, *below)
        change = ProviderChange.from_fields(changes, combine(current_layers))
        stored = change.apply_to(current_layers[0], at=now)
        check_service_settings(stored.extra_config)
        provider = self.resolve.providers.get(combine([stored, *below]).kind or "")
        if provider is None:
            kinds = tuple(sorted(self.resolve.providers))
            raise ValidationFailed.for_field("kind", ProblemCode.NOT_ONE_OF(choices=kinds))
        # Keys that an earlier version accepted stay usable; they are refused only when they are sent again.
        if "extra_config" in changes and (
            problems := unknown_extra_keys(stored.extra_config, provider.extra_keys)
        ):
            raise ValidationFailed(*problems)
        resolved = self.resolve.describe([stored, *below])
        stored = self._without_leaks(stored, change, current_layers, resolved)
        base = resolved.config.api_base
        if base:
            await self.guard.check(base)
        await self.configs.save(stored, key_origin=origin(base) if base else "")
        return self.resolve.describe([stored, *below])

    def _without_leaks(
        self,
        stored: ProviderConfig,
        change: ProviderChange,
        current_layers: Sequence[ProviderConfig],
        resolved: ResolvedProvider,
    ) -> ProviderConfig:
        """Return ``stored`` without secrets that it would send further than the current layers do."""
        _check_operator_settings(stored, current_layers)
        layers = (stored, *current_layers[1:])
        current_secrets = {secret.kind: secret for secret in layered_secrets(current_layers)}
        secrets = (
            current_secrets.get(secret.kind, secret)
            for secret in layered_secrets(layers)
            if not change.includes(secret.kind, stored)
        )
        for secret, target in self.resolve.leaks(secrets, layers, resolved):
            if secret.kind is not SecretKind.HEADERS or change.masked_headers & secret_headers(stored):
                raise ApiKeyRequired(stored.provider_name, secret.kind, target)
            stored = without_secret_headers(stored, but=change.sent_headers)
        return stored


@attrs.frozen(kw_only=True)
class ToggleProvider:
    """Switches a saved configuration on or off, without changing or checking anything else of it."""

    configs: ProviderConfigs
    clock: Clock

    async def __call__(self, *, provider_name: str, enabled: bool) -> ProviderConfig:
        """Return the changed configuration.

        Raises:
            ProviderConfigNotFound: none is saved.
        """
        saved = await self.configs.get(provider_name)
        if saved is None:
            raise ProviderConfigNotFound(provider_name)
        changed = attrs.evolve(saved, enabled=enabled, updated_at=self.clock.now())
        await self.configs.save(changed, key_origin=saved.key_origin or "")
        return changed


def check_service_settings(extra: Mapping[str, Any]) -> None:
    """Check the keys of ``extra_config`` that mean the same for every kind.

    Raises:
        ValidationFailed: a key is invalid; it names the path.
    """
    checks = {
        "headers": (_headers_problem, extra.get("headers")),
        "proxy": (_proxy_problem, extra.get("proxy")),
        "max_concurrency": (_concurrency_problem, extra.get("max_concurrency")),
        "on_unknown": (_on_unknown_problem, extra.get("on_unknown")),
    }
    for name, (problem_of, value) in checks.items():
        if value is not None and (problem := problem_of(value)):
            raise ValidationFailed.for_field(f"extra_config.{name}", problem)


def _check_texts(changes: Mapping[str, Any]) -> None:
    """Refuse text that a database cannot store, also within models.

    Raises:
        ValidationFailed: a text is invalid; it names the path.
    """
    plain = {
        name: [attrs.asdict(model) for model in value] if name == "models" and value else value
        for name, value in changes.items()
    }
    if problems := [Problem(field=field, reason=reason) for field, reason in text_problems(plain)]:
        raise ValidationFailed(*problems)


def _headers_problem(value: Any) -> Message | None:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        return ProblemCode.NOT_STRINGS()
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
            return ProblemCode.HEADER_NOT_SETTABLE(name=name)
        if not (text.isascii() and text.isprintable()):
            return ProblemCode.HEADER_NOT_PRINTABLE(name=name)
    return None


def _proxy_problem(value: Any) -> Message | None:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return ProblemCode.NOT_HTTP()
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return None if usable else ProblemCode.NOT_A_URL()


def _concurrency_problem(value: Any) -> Message | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_CONCURRENCY:
        return None
    return ProblemCode.INTEGER_OUT_OF_RANGE(minimum=1, maximum=_MAX_CONCURRENCY)


def _on_unknown_problem(value: Any) -> Message | None:
    choices = ("fail", "retry")
    return None if value in choices else ProblemCode.NOT_ONE_OF(choices=choices)


def _check_operator_settings(stored: ProviderConfig, current_layers: Sequence[ProviderConfig]) -> None:
    """Refuse settings that only ``config.yaml`` may have, unless they repeat its value."""
    below = current_layers[1].extra_config if current_layers[1:] else {}
    for name in MASKED_SETTINGS:
        if stored.extra_config.get(name) not in (None, below.get(name)):
            target = RefusalCode.CONFIGURATION_NAMING(setting=name)
            raise ApiKeyRequired(stored.provider_name, SecretKind.CREDENTIALS, target)
