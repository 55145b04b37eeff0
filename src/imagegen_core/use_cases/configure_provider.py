"""Save, switch, remove and show the configuration of a provider."""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_core.addresses import check_api_base, origin
from imagegen_core.errors import Problem, ProviderConfigNotFound, ValidationFailed
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.upstream_guard import UpstreamGuard
from imagegen_core.provider_configs import ConfigSource, ProviderConfig, combine, without_secret_headers
from imagegen_core.secrets import Secret, is_masked
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider
from imagegen_core.valid_text import text_problems

_NAME = re.compile(r"[a-z0-9._-]{1,64}")
_SERVICE_KEYS = ("headers", "proxy", "max_concurrency", "on_unknown")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


def check_provider_name(name: str) -> str:
    """Return the name.

    Raises:
        ValidationFailed: it is not 1–64 of ``a-z 0-9 . _ -``.
    """
    if not _NAME.fullmatch(name):
        raise ValidationFailed.of("provider_name", "must be 1 to 64 of a-z 0-9 . _ -")
    return name


@attrs.frozen(kw_only=True)
class SaveProvider:
    """Creates or changes one configuration; what is not said stays as it was."""

    configs: ProviderConfigs
    resolve: ResolveProvider
    guard: UpstreamGuard
    clock: Clock

    async def __call__(self, *, provider_name: str, changes: Mapping[str, Any]) -> ResolvedProvider:
        """Store the changed configuration and return what it amounts to.

        ``changes`` holds fields of `ProviderConfig` by name; ``api_key`` is the plain or the masked text.

        Secret headers that were saved for another origin, and are not sent anew, are dropped.

        Raises:
            ValidationFailed: a field is wrong, with its path.
            ApiKeyRequired: ``api_base`` moves to another origin, or ``extra_config`` lets the key go further
                than before, and no key came with it.
            UpstreamNotAllowed: the address is not allowed.
        """
        check_provider_name(provider_name)
        _check_texts(changes)
        now = self.clock.now()
        saved = await self.configs.get(provider_name)
        before = saved or ProviderConfig(
            provider_name=provider_name, source=ConfigSource.DATABASE, created_at=now
        )
        fields = dict(changes)
        new_key = _new_key(fields.pop("api_key", None))
        if fields.get("api_base"):
            fields["api_base"] = check_api_base(fields["api_base"])
        if "extra_config" in fields:
            fields["extra_config"] = _unmasked(fields["extra_config"], before.extra_config)
        config = attrs.evolve(before, **fields, updated_at=now)
        file = self.resolve.file_configs.get(provider_name)
        below = [] if file is None else [file]
        check_service_settings(config.extra_config)
        if combine([config, *below]).kind not in self.resolve.providers:
            known = ", ".join(sorted(self.resolve.providers))
            raise ValidationFailed.of("kind", f"must be one of {known}")
        layers = [config] if new_key is None else [attrs.evolve(config, api_key=new_key, key_origin=None)]
        if new_key is None and before.api_key is not None:
            layers.append(before)
            layers[0] = attrs.evolve(config, api_key=None)
        resolved = self.resolve.describe([*layers, *below])
        self.resolve.check_key([*layers, *below], resolved)
        if resolved.config.api_base:
            await self.guard.check(resolved.config.api_base)
        if saved is not None and self.resolve.describe([saved, *below]).origin != resolved.origin:
            config = without_secret_headers(config, but=_sent_headers(changes))
        base = resolved.config.api_base
        stored = attrs.evolve(config, api_key=new_key or before.api_key)
        await self.configs.save(stored, key_origin=origin(base) if base else "")
        return self.resolve.describe([stored, *below])


@attrs.frozen(kw_only=True)
class ToggleProvider:
    """Switches a saved configuration on or off."""

    configs: ProviderConfigs
    save: SaveProvider

    async def __call__(self, *, provider_name: str, enabled: bool) -> ResolvedProvider:
        """Return the changed configuration.

        Raises:
            ProviderConfigNotFound: none is saved.
        """
        if await self.configs.get(provider_name) is None:
            raise ProviderConfigNotFound(provider_name)
        return await self.save(provider_name=provider_name, changes={"enabled": enabled})


def check_service_settings(extra: Mapping[str, Any]) -> None:
    """Check the parts of ``extra_config`` that mean the same for every kind.

    Raises:
        ValidationFailed: with the path.
    """
    checks = {
        "headers": (_headers_problem, extra.get("headers")),
        "proxy": (_proxy_problem, extra.get("proxy")),
        "max_concurrency": (_concurrency_problem, extra.get("max_concurrency")),
        "on_unknown": (_on_unknown_problem, extra.get("on_unknown")),
    }
    for name, (problem_of, value) in checks.items():
        if value is not None and (problem := problem_of(value)):
            raise ValidationFailed.of(f"extra_config.{name}", problem)


def _check_texts(changes: Mapping[str, Any]) -> None:
    """Refuse text that no database holds; models are checked as what they say.

    Raises:
        ValidationFailed: with the path.
    """
    plain = {
        name: [attrs.asdict(model) for model in value] if name == "models" and value else value
        for name, value in changes.items()
    }
    if problems := [Problem(field=field, message=message) for field, message in text_problems(plain)]:
        raise ValidationFailed(*problems)


def _headers_problem(value: Any) -> str | None:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        return "must be an object of strings"
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            return f"{name!r} is not a header that may be set"
        if not (text.isascii() and text.isprintable()):
            return f"the value of {name!r} must be printable ASCII"
    return None


def _proxy_problem(value: Any) -> str | None:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        return "must be an http:// or https:// address"
    return None


def _concurrency_problem(value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:  # noqa: PLR2004 - far above any use
        return "must be an integer from 1 to 1000"
    return None


def _on_unknown_problem(value: Any) -> str | None:
    return None if value in ("fail", "retry") else 'must be "fail" or "retry"'


def _unmasked(extra: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a caller who sends back what was shown masked: that stays as it was."""
    meant, kept = dict(extra), before.get("headers") or {}
    if isinstance(headers := extra.get("headers"), Mapping):
        meant["headers"] = {
            name: kept.get(name, text) if isinstance(text, str) and is_masked(text) else text
            for name, text in headers.items()
        }
    proxy, saved = extra.get("proxy"), before.get("proxy")
    if isinstance(proxy, str) and isinstance(saved, str) and is_masked(_user_of(proxy)):
        meant["proxy"] = proxy.replace(_user_of(proxy), _user_of(saved), 1)
        if meant["proxy"] != saved:
            raise ValidationFailed.of("extra_config.proxy", "needs its password again at another address")
    return meant


def _sent_headers(changes: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of headers that the caller sent with their values."""
    headers = (changes.get("extra_config") or {}).get("headers")
    if not isinstance(headers, Mapping):
        return frozenset()
    return frozenset(name for name, text in headers.items() if not is_masked(str(text)))


def _user_of(proxy: str) -> str:
    return proxy.partition("://")[2].rpartition("@")[0]


def _new_key(text: str | None) -> Secret | None:
    """Return the key that a caller sent; a masked one that is sent back means "unchanged"."""
    if text is None or is_masked(text.strip()):
        return None
    return Secret.parse(text)
