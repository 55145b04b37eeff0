"""How far a secret may go: no further than the layer that brought it reaches, with the layers below.

A layer above may change where calls go, by another address, document or proxy. It moves its own secrets with
it; those from below stay at home.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.messages import Message
from imagegen_core.ports.provider import ProviderProfile
from imagegen_core.problems import RefusalCode
from imagegen_core.providers.addresses import origin
from imagegen_core.providers.config import ConfigSource, ProviderConfig, is_secret_header


class SecretKind(StrEnum):
    """What must not get to strangers.

    A proxy's password opens a way to wherever calls go, so it is bound to the same places as the others.
    ``CREDENTIALS`` are this machine's own, such as Google's application default credentials.
    """

    API_KEY = "api_key"
    HEADERS = "headers"
    PROXY = "proxy"
    CREDENTIALS = "credentials"


@attrs.frozen(kw_only=True)
class Reach:
    """Who gets to see the secrets of a configuration.

    ``origin`` is where calls go, and ``others`` are hosts and proxies that see them as well. ``credentials``
    names those of this machine that calls are made with, and what for.
    """

    origin: str | None = None
    others: frozenset[str] = frozenset()
    credentials: str | None = None

    @classmethod
    def of(cls, config: ProviderConfig, profile: ProviderProfile) -> "Reach":
        """Return the reach of a combined configuration, its ``api_base`` filled in."""
        here = origin(config.api_base) if config.api_base else None
        proxy = config.extra_config.get("proxy")
        # A proxy passes https on as it is; of anything else it sees every header.
        sees = {_proxy_origin(proxy)} if proxy and not (here or "").startswith("https:") else set()
        return cls(
            origin=here,
            others=frozenset({*profile.key_hosts, *sees}),
            credentials=profile.ambient_credentials,
        )

    def beyond(self, home: "Reach") -> str | None:
        """Return one of those who see the secrets here and not at home; None when there is none."""
        if self.origin is not None and self.origin != home.origin:
            return self.origin
        return min(self.others - home.others, default=None)


@attrs.frozen(kw_only=True)
class LayeredSecret:
    """A secret and its home: the layer that brought it and those below, strongest first."""

    kind: SecretKind
    home: tuple[ProviderConfig, ...]

    def leaks_to(
        self, whole: Reach, reach_of: Callable[[Sequence[ProviderConfig]], Reach]
    ) -> Message | str | None:
        """Return where the secret would get to that is not its home; None when it stays there.

        Args:
            whole: of the configuration that is to be used.
            reach_of: of layers; where they amount to nothing that could be called, an empty one.
        """
        borrows = self.kind is SecretKind.CREDENTIALS
        if borrows and whole.credentials is None:
            return None
        home = reach_of(self.home)
        if borrows and whole.credentials != home.credentials:
            return whole.origin or RefusalCode.OWN_ADDRESS()
        sealed_for = self.home[0].key_origin if self.home else None
        if None not in (sealed_for, whole.origin) and sealed_for != whole.origin:
            return whole.origin
        return whole.beyond(home)


def layered_secrets(layers: Sequence[ProviderConfig]) -> Iterator[LayeredSecret]:
    """Yield the secrets that the layers hold together, strongest layer first.

    The credentials of this machine are the operator's: their home is the file's layer, whoever uses them.
    """
    for kind, (says, holds) in _SECRET_RULES.items():
        first = next((i for i, layer in enumerate(layers) if says(layer)), None)
        if first is not None and holds(layers[first]):
            yield LayeredSecret(kind=kind, home=tuple(layers[first:]))
    operators = tuple(layer for layer in layers if layer.source is ConfigSource.FILE)
    yield LayeredSecret(kind=SecretKind.CREDENTIALS, home=operators)


def secret_headers(config: ProviderConfig) -> frozenset[str]:
    """Return the names of the headers that are taken for secrets."""
    headers: Any = config.extra_config.get("headers") or {}
    return frozenset(filter(is_secret_header, headers))


def _has_key(layer: ProviderConfig) -> bool:
    return layer.api_key is not None


def _says(name: str) -> Callable[[ProviderConfig], bool]:
    return lambda layer: name in layer.extra_config


_SECRET_RULES: dict[SecretKind, tuple[Callable[[ProviderConfig], bool], Callable[[ProviderConfig], bool]]] = {
    SecretKind.API_KEY: (_has_key, _has_key),
    SecretKind.HEADERS: (_says("headers"), lambda layer: bool(secret_headers(layer))),
    SecretKind.PROXY: (_says("proxy"), lambda layer: "@" in str(layer.extra_config["proxy"])),
}
"""Of each secret, which layer decides about it, and whether that layer has one."""


def _proxy_origin(proxy: Any) -> str:
    try:
        return origin(str(proxy))
    except ValueError:
        return str(proxy).rpartition("@")[2]
