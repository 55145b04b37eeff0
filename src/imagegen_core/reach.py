"""How far a secret may travel: no further than the layer that defines it reaches, with the layers below it.

A higher layer may redirect calls by another address, document or proxy. Its own secrets follow the
redirection; those of lower layers do not, so that nobody can divert someone else's key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.config import (
    MASKED_SETTINGS,
    ConfigSource,
    ProviderConfig,
    is_secret_header,
    origin,
)
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.models import ProviderProfile
from imagegen_core.problems import ProblemCode, RefusalCode
from imagegen_core.secrets import is_masked


class SecretKind(StrEnum):
    """Kinds of secrets that must not leak.

    A proxy's password gives access to wherever calls go, so it is bound to the same hosts as the others.
    ``CREDENTIALS`` are this machine's own, such as Google's application default credentials.
    """

    API_KEY = "api_key"
    HEADERS = "headers"
    PROXY = "proxy"
    CREDENTIALS = "credentials"


@attrs.frozen(kw_only=True)
class Reach:
    """The parties that see the secrets of a configuration.

    ``origin`` is where calls go, and after it where the key is exchanged for a token, if it is. ``others``
    are hosts and proxies that see the secrets as well. ``credentials`` names the machine's own credentials
    that calls use, and what they are used for.
    """

    origin: str | None = None
    others: frozenset[str] = frozenset()
    credentials: str | None = None

    @classmethod
    def from_config(cls, config: ProviderConfig, profile: ProviderProfile) -> "Reach":
        """Return the reach of a combined configuration whose ``api_base`` is filled in."""
        targets = [origin(url) for url in (config.api_base, profile.key_url) if url]
        proxy = config.extra_config.get("proxy")
        # A proxy tunnels https without reading it; of anything else it sees every header.
        is_encrypted = targets and all(target.startswith("https:") for target in targets)
        observers = {_proxy_origin(proxy)} if proxy and not is_encrypted else ()
        return cls(
            origin=" ".join(targets) or None,
            others=frozenset((*profile.key_hosts, *observers, *filter(None, [profile.key_url]))),
            credentials=profile.ambient_credentials,
        )

    def beyond(self, scope: "Reach") -> str | None:
        """Return a party that is within this reach but not within ``scope``; None if there is none."""
        if self.origin is not None and self.origin != scope.origin:
            return _other_parts(self.origin, scope.origin)
        return min(self.others - scope.others, default=None)


@attrs.frozen(kw_only=True)
class LayeredSecret:
    """A secret and its scope: the layer that defines it and those below, strongest first."""

    kind: SecretKind
    scope: tuple[ProviderConfig, ...]

    def leaks_to(
        self, reach: Reach, reach_of: Callable[[Sequence[ProviderConfig]], Reach]
    ) -> Message | str | None:
        """Return where the secret would go beyond its scope; None if it stays within it.

        ``reach`` is that of the configuration that is about to be used; ``reach_of`` returns that of layers,
        an empty one if they do not make a usable configuration.
        """
        is_ambient = self.kind is SecretKind.CREDENTIALS
        if is_ambient and reach.credentials is None:
            return None
        allowed = reach_of(self.scope)
        if is_ambient and reach.credentials != allowed.credentials:
            return reach.origin or RefusalCode.OWN_ADDRESS()
        bound_origin = self.scope[0].key_origin if self.scope else None
        if bound_origin is not None and reach.origin is not None and bound_origin != reach.origin:
            return _other_parts(reach.origin, bound_origin)
        return reach.beyond(allowed)


def layered_secrets(layers: Sequence[ProviderConfig]) -> Iterator[LayeredSecret]:
    """Yield the secrets of the combined layers, given strongest first.

    The credentials of this machine belong to the operator: they are scoped to the file layer, whoever uses
    them.
    """
    for kind, (decides, has_secret) in _SECRET_RULES.items():
        first = next((i for i, layer in enumerate(layers) if decides(layer)), None)
        if first is not None and has_secret(layers[first]):
            yield LayeredSecret(kind=kind, scope=tuple(layers[first:]))
    file_layers = tuple(layer for layer in layers if layer.source is ConfigSource.FILE)
    yield LayeredSecret(kind=SecretKind.CREDENTIALS, scope=file_layers)


def secret_headers(config: ProviderConfig) -> frozenset[str]:
    """Return the names of the headers that are treated as secrets."""
    headers: Any = config.extra_config.get("headers") or {}
    return frozenset(filter(is_secret_header, headers))


def _other_parts(target: str, bound: str | None) -> str:
    """Return which of the target's origins, of calls and of a login, are not bound already."""
    return " ".join(sorted(set(target.split()) - set((bound or "").split()))) or target


_SECRET_RULES: dict[SecretKind, tuple[Callable[[ProviderConfig], bool], Callable[[ProviderConfig], bool]]] = {
    SecretKind.API_KEY: (lambda layer: layer.api_key is not None, lambda _: True),
    SecretKind.HEADERS: (
        lambda layer: "headers" in layer.extra_config,
        lambda layer: bool(secret_headers(layer)),
    ),
    SecretKind.PROXY: (
        lambda layer: "proxy" in layer.extra_config,
        lambda layer: "@" in str(layer.extra_config["proxy"]),
    ),
}
"""For each kind: whether a layer decides about the secret, and whether that layer contains one."""


def _proxy_origin(proxy: Any) -> str:
    try:
        return origin(str(proxy))
    except ValueError:
        return str(proxy).rpartition("@")[2]


def unmasked(extra: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return an ``extra_config`` with what came back masked as it is in the one that was shown."""
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
