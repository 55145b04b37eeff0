"""Reads settings from a YAML file and the environment."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
import cattrs
import yaml
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_union_passthrough

from imagegen_core.provider_configs import ProviderConfig
from imagegen_core.valid_text import text_problems
from imagegen_http.provider_settings import read_providers
from imagegen_http.setting_values import (
    EnvText,
    is_nothing,
    read_boolean,
    read_integer,
    read_list,
    read_number,
    read_typed,
)
from imagegen_http.settings import Settings, SettingsError

PREFIX = "IMAGEGEN_"
MASTER_KEY = "IMAGEGEN_MASTER_KEY"
NOT_SETTINGS = frozenset({"IMAGEGEN_CONFIG", MASTER_KEY})
"""Variables with our prefix that are no keys of the file."""

CREDENTIALS = "$CREDENTIALS_DIRECTORY"
"""Where systemd's LoadCredential= puts files that only this service can read."""

_VALIDATOR = re.compile(r"'(\w+)' (must be .*)")
"""How attrs' validators begin their messages."""

_LARGEST_FILE = 1024 * 1024


def load_settings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of ``config``, else ``IMAGEGEN_CONFIG``, else ``cwd/config.yaml``, else defaults.

    A relative ``data_dir`` is relative to ``cwd``.

    Raises:
        SettingsError: the file cannot be read, or a key is unknown, of the wrong type, or its secret missing.
    """
    named = config or (Path(environ["IMAGEGEN_CONFIG"]) if environ.get("IMAGEGEN_CONFIG") else None)
    path = named or cwd / "config.yaml"
    tree = _read(path) if named is not None or path.exists() else {}
    for keys, text in _environment(environ):
        _insert(tree, keys, EnvText(text))
    tree = _fetch_secrets(tree, (), environ, path.parent)
    for key, _ in text_problems(tree):
        raise SettingsError(f"{key or 'a key'}: must be UTF-8 text without NUL")
    settings = _structure(tree)
    return attrs.evolve(settings, data_dir=(cwd / settings.data_dir.expanduser()).absolute())


def with_master_key(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with ``IMAGEGEN_MASTER_KEY`` as its text, where it names a file.

    Raises:
        SettingsError: the file cannot be read.
    """
    value = environ.get(MASTER_KEY, "")
    if not value.startswith("file:"):
        return environ
    return {**environ, MASTER_KEY: _secret_of(value.removeprefix("file:"), MASTER_KEY, environ, Path("/"))}


def check_bind(host: str, auth_token: str | None) -> None:
    """Refuse to listen where others can reach us without a token.

    Raises:
        SettingsError: the address is not loopback and there is no ``server.auth_token``.
    """
    if not is_loopback(host) and not auth_token:
        raise SettingsError(f"server.host: {host} can be reached by others, so server.auth_token is required")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a listener on ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()[:_LARGEST_FILE].decode()
        tree = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise SettingsError(f"{path.name}: cannot be read: {reason}") from error
    except (ValueError, OverflowError, RecursionError) as error:  # a date that is none, nesting without end
        raise SettingsError(f"{path.name}: holds a value that cannot be read") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path.name}: is not YAML{where}: {getattr(error, 'problem', '')}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path.name}: must be a mapping of keys")
    return tree


def _environment(environ: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Return the variables that name a key; one that merely starts like ours belongs to somebody else."""
    known = {field.name for field in attrs.fields(Settings)}
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        keys = name.removeprefix(PREFIX).lower().split("__")
        if keys[0] in known or len(keys) > 1:
            found.append((keys, environ[name]))
    return found


def _insert(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    for depth, key in enumerate(keys[:-1]):
        key = _as_written(tree, key)  # noqa: PLW2901 - the same key, as the file writes it
        if not isinstance(tree.get(key) or {}, dict):
            raise SettingsError(f"{'.'.join(keys[: depth + 1])}: has no keys below it")
        tree[key] = tree.get(key) or {}
        tree = tree[key]
    tree[_as_written(tree, keys[-1])] = value


def _as_written(tree: dict[str, Any], key: str) -> str:
    """Return the key of the file that a variable means; ``-`` and ``.`` cannot be in a variable's name."""
    folded = {str(k).replace("-", "_").replace(".", "_").lower(): k for k in tree}
    return folded.get(key, key)


def _fetch_secrets(value: Any, path: tuple[str, ...], environ: Mapping[str, str], folder: Path) -> Any:
    if isinstance(value, dict):
        return {k: _fetch_secrets(v, (*path, str(k)), environ, folder) for k, v in value.items()}
    if isinstance(value, list):
        return [_fetch_secrets(v, (*path, str(i)), environ, folder) for i, v in enumerate(value)]
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if not environ.get(name):
            raise SettingsError(f"{'.'.join(path)}: the environment variable {name} is not set")
        return environ[name]
    if isinstance(value, str) and value.startswith("file:"):
        return _secret_of(value.removeprefix("file:"), ".".join(path), environ, folder)
    return value


def _secret_of(name: str, key: str, environ: Mapping[str, str], folder: Path) -> str:
    """Return what is in a file: of the settings' folder, or of those that systemd hands over."""
    if name.startswith(f"{CREDENTIALS}/"):
        if not environ.get(CREDENTIALS.removeprefix("$")):
            raise SettingsError(f"{key}: the environment variable CREDENTIALS_DIRECTORY is not set")
        name = name.replace(CREDENTIALS, environ[CREDENTIALS.removeprefix("$")], 1)
    file = folder / name
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{key}: the file with the secret cannot be read") from error
    if not secret:
        raise SettingsError(f"{key}: the file with the secret is empty")
    return secret


def _structure(tree: dict[str, Any]) -> Settings:
    try:
        return _converter().structure(tree, Settings)
    except SettingsError:
        raise
    except Exception as error:
        raise SettingsError(_first_line(error)) from error


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    configure_union_passthrough(str | int | float | bool | None, converter)
    converter.register_structure_hook(str, lambda v, _: read_typed(v, str))
    converter.register_structure_hook(str | None, lambda v, _: None if is_nothing(v) else read_typed(v, str))
    converter.register_structure_hook(bool, lambda v, _: read_boolean(v))
    converter.register_structure_hook(int, lambda v, _: read_integer(v))
    converter.register_structure_hook(float, lambda v, _: read_number(v))
    converter.register_structure_hook(Path, lambda v, _: Path(read_typed(v, str)))
    converter.register_structure_hook_func(
        lambda t: t == tuple[str, ...], lambda v, _: tuple(read_typed(item, str) for item in read_list(v))
    )
    converter.register_structure_hook_func(
        _optional_section, lambda v, t: None if is_nothing(v) else converter.structure(v, _section_of(t))
    )
    converter.register_structure_hook_factory(attrs.has, lambda t: _section(t, converter))
    converter.register_structure_hook(ProviderConfig, lambda v, _: v)
    structure = _section(Settings, converter)
    converter.register_structure_hook(
        Settings, lambda v, t: structure({**v, "providers": read_providers(v)}, t)
    )
    return converter


def _section(target: Any, converter: cattrs.Converter) -> Any:
    structure = make_dict_structure_fn(target, converter, _cattrs_forbid_extra_keys=True)

    def checked(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError("must be a mapping of keys")
        return structure(value, kind)

    return checked


def _optional_section(target: Any) -> bool:
    members = get_args(target)
    return len(members) == 2 and type(None) in members and attrs.has(_section_of(target))  # noqa: PLR2004 - X | None


def _section_of(target: Any) -> Any:
    return next(member for member in get_args(target) if member is not type(None))


def _first_line(error: BaseException, path: str = "") -> str:
    """Return the first problem of a structuring error as ``key: what is wrong``."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        inner = error.exceptions[0]
        notes = [n for n in getattr(inner, "__notes__", []) if hasattr(n, "name")]
        name = str(notes[-1].name) if notes else ""
        return _first_line(inner, f"{path}.{name}".strip(".") if name else path)
    if isinstance(error, ForbiddenExtraKeysError):
        return f"{path}.{min(error.extra_fields)}".strip(".") + ": unknown key"
    if isinstance(error, KeyError):
        name = str(error.args[0])
        return f"{path if path.endswith(name) else f'{path}.{name}'.strip('.')}: is required"
    text = str(error.args[0]) if error.args else type(error).__name__
    if named := _VALIDATOR.match(text):
        return f"{path}.{named[1]}".strip(".") + f": {named[2]}"
    return f"{path}: {text}" if path else text
