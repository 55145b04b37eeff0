"""The provider adapters by kind, and the kind that a provider's name implies."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.provider import Provider
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.config import ProviderConfig, combine
from imagegen_core.providers.unknown_keys import unknown_extra_keys


@attrs.frozen(kw_only=True)
class ProviderKinds:
    """What the program was composed with. Each adapter says which names it goes by (`Provider.names`)."""

    adapters: Mapping[str, Provider]

    def implied_by(self, provider_name: str) -> str | None:
        """Return the kind that a name implies; of several adapters, that of the longest match."""
        matches = [
            (len(name), kind)
            for kind, adapter in self.adapters.items()
            for name in adapter.names
            if _matches(provider_name, name)
        ]
        return max(matches)[1] if matches else None

    def combine(self, layers: Sequence[ProviderConfig]) -> ProviderConfig:
        """Return the layers as one configuration, with the kind that its name implies where none says one."""
        config = combine(layers)
        return attrs.evolve(config, kind=config.kind or self.implied_by(config.provider_name))

    def adapter_of(self, config: ProviderConfig) -> Provider | None:
        """Return the adapter for a configuration whose kind is known; None when it is not installed."""
        return self.adapters.get(config.kind or "")

    def check(self, kind: str | None, extra_config: Mapping[str, Any]) -> None:
        """Check what only the adapters know of a layer: its kind, and the keys of its ``extra_config``.

        Where it says no kind, a layer above may, so a key of any kind will do.

        Raises:
            ValidationFailed: no adapter is of this kind, or a key is one that nothing reads.
        """
        if kind is not None and kind not in self.adapters:
            choices = tuple(sorted(self.adapters))
            raise ValidationFailed.for_field("kind", ProblemCode.NOT_ONE_OF(choices=choices))
        readers = self.adapters.values() if kind is None else [self.adapters[kind]]
        known_keys = frozenset[str]().union(*(adapter.extra_keys for adapter in readers))
        if problems := unknown_extra_keys(extra_config, known_keys):
            raise ValidationFailed(*problems)


def _matches(provider_name: str, name: str) -> bool:
    """Return whether a provider has a name that an adapter goes by."""
    return provider_name.startswith(name[:-1]) if name.endswith("*") else provider_name == name
