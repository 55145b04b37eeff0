"""The settings as anybody may see them: plain values, where each comes from, secrets masked."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.config import PROVIDER_FIELDS, ProviderConfig, combine, masked_extra
from imagegen_core.messages import Message
from imagegen_http.settings.schema import MASK, EnvText, SettingCode, Settings, masked_database_url, passwords

_SECRET_NAMES = frozenset(
    {"auth_token", "access_key_id", "access_key_secret", "security_token", "session_token", "api_key"}
)


def masked(value: Any, name: str = "") -> Any:
    """Return a setting or a section as numbers, texts, lists and mappings; ``name`` is its last key."""
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

    ``origins`` are those of what a start has read, ``configured`` the providers of the operator by name.
    Those that were ``saved`` through the API count more, field by field.
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
            yield EffectiveSetting(key, masked(value, field.name), _origin(key, origins))


def _origin(key: str, origins: Origins) -> Origin:
    """Return where a setting was set; of one that has keys of its own, the strongest of theirs."""
    order = list(Origin)
    own = [origin for name, origin in origins.items() if name == key or name.startswith(f"{key}.")]
    return max(own, key=order.index, default=Origin.DEFAULT)


@attrs.frozen(kw_only=True)
class TokenPlace:
    """Where the token of callers is kept, for a person to look it up: a file, or a variable's name."""

    file: str | None = None
    variable: str | None = None

    @classmethod
    def of_tree(cls, tree: Mapping[str, Any], settings_file: Path) -> "TokenPlace | None":
        """Return the place that the settings name, which may be their own file; None without a token."""
        server = tree.get("server") or {}
        value = server.get("auth_token") if isinstance(server, Mapping) else None
        if not value:
            return None
        kind, _, name = str(value).partition(":")
        if kind == "env":
            return cls(variable=name)
        if kind == "file":
            return cls(file=str(settings_file.parent / name))
        return (
            cls(variable="IMAGEGEN_SERVER__AUTH_TOKEN")
            if isinstance(value, EnvText)
            else cls(file=str(settings_file))
        )


def exposure_warning(settings: Settings, path: Path) -> Message | None:
    """Return a warning if the file has a secret of the settings in clear, and others can read it.

    They can where they may read it and enter each directory above it; its group is whom an operator chose.
    """
    try:
        text = path.read_text("utf-8")
        is_open = path.stat().st_mode & stat.S_IROTH and all(
            parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents
        )
    except (OSError, UnicodeDecodeError):  # there is none, or it is not read
        return None
    if not is_open or not any(secret in text for secret in _secrets(settings)):
        return None
    return SettingCode.READABLE_BY_ALL(path=str(path))


def _secrets(settings: Settings) -> Iterator[str]:
    secrets = [settings.server.auth_token]
    if (oss := settings.storage.oss) is not None:
        secrets += [oss.access_key_secret, oss.security_token]
    if (s3 := settings.storage.s3) is not None:
        secrets += [s3.access_key_secret, s3.session_token]
    secrets += [config.api_key.reveal() for config in settings.providers.values() if config.api_key]
    yield from filter(None, secrets)
    if settings.database is not None:
        yield from passwords(settings.database)
