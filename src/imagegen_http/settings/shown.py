"""The settings as anybody may see them: plain values and their origins, secrets masked."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.config import PROVIDER_FIELDS, ProviderConfig, combine, masked_extra
from imagegen_core.messages import Message
from imagegen_http.settings.loader import read_tree, settings_file
from imagegen_http.settings.schema import MASK, EnvText, SettingCode, Settings, masked_database_url, passwords

_SECRET_NAMES = frozenset(
    {"auth_token", "access_key_id", "access_key_secret", "security_token", "session_token", "api_key"}
)


def masked(value: Any, name: str = "") -> Any:
    """Return plain numbers, texts, lists and mappings; ``name`` is the value's last key."""
    if name in _SECRET_NAMES and value is not None:
        return MASK
    if name == "database" and isinstance(value, str):
        return masked_database_url(value)
    if isinstance(value, ProviderConfig):
        fields = {key: getattr(value, key) for key in PROVIDER_FIELDS}
        fields["extra_config"] = masked_extra(value.extra_config)
        value = {key: field for key, field in fields.items() if field is not None}
    elif attrs.has(type(value)):
        value = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    if hasattr(value, "items"):
        return {str(k): masked(v, str(k)) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return list(map(masked, value))
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)


class Origin(StrEnum):
    """Where a value was said; the later ones count more."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    DATABASE = "database"


Origins = Mapping[str, Origin]  # by dotted key; other keys have their default


@attrs.frozen
class EffectiveSetting:
    """A setting in effect; its value is plain, and masked if it is a secret."""

    key: str
    value: Any
    origin: Origin


def setting_origins(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Origins:
    return dict(_origins_of(read_tree(config=config, environ=environ, cwd=cwd)[1], ""))


def _origins_of(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, Origin]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _origins_of(value, f"{key}.")
        else:
            yield key, Origin.ENVIRONMENT if isinstance(value, EnvText) else Origin.FILE


def effective_settings(
    settings: Settings,
    origins: Origins,
    *,
    configured: Mapping[str, ProviderConfig],
    saved: Iterable[ProviderConfig],
) -> Iterator[EffectiveSetting]:
    """Yield the settings in the reference's order, then the providers'; ``saved`` fields take precedence."""
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
            yield EffectiveSetting(key, masked(value, field.name), _origin(key, origins))


def _origin(key: str, origins: Origins) -> Origin:
    """Return where a setting was set; of a section, the strongest origin in it."""
    order = list(Origin)
    own = [origin for name, origin in origins.items() if name == key or name.startswith(f"{key}.")]
    return max(own, key=order.index, default=Origin.DEFAULT)


def exposure_warning(
    settings: Settings, *, config: Path | None, environ: Mapping[str, str], cwd: Path
) -> Message | None:
    """Warn if the file has a secret in clear and all users can read it, not just its group."""
    path = settings_file(config=config, environ=environ, cwd=cwd)
    try:
        text = path.read_text("utf-8")
        is_open = path.stat().st_mode & stat.S_IROTH and all(
            parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents
        )
    except (OSError, UnicodeDecodeError):  # no file, or not readable
        return None
    oss, s3, database = settings.storage.oss, settings.storage.s3, settings.database
    secrets = [settings.server.auth_token, *(passwords(database) if database else ())]
    secrets += [] if oss is None else [oss.access_key_secret, oss.security_token]
    secrets += [] if s3 is None else [s3.access_key_secret, s3.session_token]
    secrets += [config.api_key.reveal() for config in settings.providers.values() if config.api_key]
    is_exposed = is_open and any(secret in text for secret in secrets if secret)
    return SettingCode.READABLE_BY_ALL(path=str(path)) if is_exposed else None
