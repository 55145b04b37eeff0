"""Where each setting comes from."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.providers.config import PROVIDER_FIELDS, ProviderConfig, combine
from imagegen_http.settings.database_url import masked_database_url
from imagegen_http.settings.masking import masked
from imagegen_http.settings.schema import Settings
from imagegen_http.settings.values import EnvText


class Origin(StrEnum):
    """Where a value was said; the later ones count more."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    DATABASE = "database"


Origins = Mapping[str, Origin]
"""Where the keys that are set were set, each as its dotted path; what is not here has its default."""


@attrs.frozen
class EffectiveSetting:
    """One setting that holds now; its value is plain, and masked if it is a secret."""

    key: str
    value: Any
    origin: Origin


def origins_of(tree: Mapping[str, Any], above: str = "") -> Origins:
    """Return where the leaves of the tree of settings were set: by a variable, or in the file."""
    origins: dict[str, Origin] = {}
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            origins |= origins_of(value, f"{key}.")
        else:
            origins[key] = Origin.ENVIRONMENT if isinstance(value, EnvText) else Origin.FILE
    return origins


def effective_settings(
    settings: Settings,
    origins: Origins,
    *,
    configured: Mapping[str, ProviderConfig],
    saved: Iterable[ProviderConfig],
) -> Iterator[EffectiveSetting]:
    """Yield all settings in the order of the reference, and then those of the providers.

    Args:
        settings: what a start has read.
        origins: from where.
        configured: the providers that the operator has configured, by name.
        saved: those that were saved through the API, which count more, field by field.
    """
    yield from _leaves(settings, "", origins)
    saved_ones = {config.provider_name: config for config in saved}
    for name in sorted({*configured, *saved_ones}):
        layers = [config for config in (saved_ones.get(name), configured.get(name)) if config is not None]
        values = masked(combine(layers))
        for field in PROVIDER_FIELDS:
            key = f"providers.{name}.{field}"
            if values.get(field):
                of_database = bool(getattr(saved_ones.get(name), field, None))
                origin = Origin.DATABASE if of_database else _origin(key, origins)
                yield EffectiveSetting(key, values[field], origin)


def _leaves(section: Any, above: str, origins: Origins) -> Iterator[EffectiveSetting]:
    for field in attrs.fields(type(section)):
        value, key = getattr(section, field.name), f"{above}{field.name}"
        if key == "providers":
            continue
        if attrs.has(type(value)):
            yield from _leaves(value, f"{key}.", origins)
        else:
            shown = masked_database_url(value) if key == "database" and value else masked(value, field.name)
            yield EffectiveSetting(key, shown, _origin(key, origins))


def _origin(key: str, origins: Origins) -> Origin:
    """Return where a setting was set; of one that has keys of its own, the strongest of theirs."""
    order = list(Origin)
    own = [origin for name, origin in origins.items() if name == key or name.startswith(f"{key}.")]
    return max(own, key=order.index, default=Origin.DEFAULT)
