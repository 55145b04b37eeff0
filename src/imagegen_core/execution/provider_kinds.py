"""The provider adapters by kind, and the kind that a provider's name implies."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from imagegen_core.config import ProviderConfig, combine, unknown_extra_keys
from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.provider import Provider
from imagegen_core.problems import ProblemCode

_MIN_RESEMBLANCE = 0.65
"""``opnai`` and ``openai`` have 0.91, ``genimi`` and ``gemini`` 0.67."""

_MIN_RESEMBLANCE_OF_MISTAKES = 0.75
"""Higher, since what is configured is probably meant as it is."""

_PROTOCOL_KEYS = frozenset({"preset", "spec"})


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

    def similar_name(
        self, provider_name: str, others: Iterable[str] = (), *, cutoff: float = _MIN_RESEMBLANCE
    ) -> str | None:
        """Return the name that was probably meant: of an adapter, or one of ``others``."""
        from difflib import get_close_matches  # for mistakes alone

        own = {name.removesuffix("*") for adapter in self.adapters.values() for name in adapter.names}
        kinds = (kind.replace("_", "-") for kind in self.adapters)
        names = {*own, *kinds, *others} - {""}
        if provider_name in names:
            return None
        matches = get_close_matches(provider_name.casefold(), sorted(names), n=1, cutoff=cutoff)
        return matches[0] if matches else None

    def misspelt_name(self, config: ProviderConfig) -> str | None:
        """Return the name that was probably meant by a configuration that says nothing of its protocol.

        One that contains another name, such as ``openai-2``, is no mistake.
        """
        adapter = self.adapter_of(config)
        if adapter is None or "*" not in adapter.names or not _PROTOCOL_KEYS.isdisjoint(config.extra_config):
            return None
        name = self.similar_name(config.provider_name, cutoff=_MIN_RESEMBLANCE_OF_MISTAKES)
        return None if name is None or name in config.provider_name else name

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
