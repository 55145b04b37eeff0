"""Reads settings: variables override keys of a YAML file, then ``env:`` and ``file:`` become secrets."""

import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import attrs
import yaml

from imagegen_core.config import PROVIDER_FIELDS, ConfigSource, ModelEntry, ProviderConfig, is_loopback
from imagegen_core.errors import ValidationFailed, nearest, text_problems, unknown_key
from imagegen_core.messages import JsonType, Message, ProblemCode, RefusalCode
from imagegen_core.requests import parse_operations
from imagegen_core.secrets import Secret
from imagegen_http.errors import read_problem
from imagegen_http.settings.schema import (
    EnvText,
    Origin,
    Origins,
    SettingCode,
    Settings,
    SettingsError,
    secrets_of,
)

PREFIX = "IMAGEGEN_"
MASTER_KEY = "IMAGEGEN_MASTER_KEY"
NOT_SETTINGS = frozenset(
    {"IMAGEGEN_CONFIG", MASTER_KEY, "IMAGEGEN_LANG", "IMAGEGEN_PYTHON", "IMAGEGEN_SERVER", "IMAGEGEN_TOKEN"}
)
"""Variables with our prefix that are no keys; four are for ``./run`` and the command line."""

CREDENTIALS = "$CREDENTIALS_DIRECTORY"  # systemd's LoadCredential= puts files there for this service only
MASTER_KEY_CREDENTIAL = "master_key"


def load_settings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of ``config``, ``IMAGEGEN_CONFIG`` or ``cwd/config.yaml``, else the defaults."""
    path, tree = read_tree(config=config, environ=environ, cwd=cwd)
    try:
        tree = _resolve_secrets(tree, (), environ, path.parent)
    except RecursionError as error:  # an alias inside its own anchor
        raise SettingsError(str(path), SettingCode.VALUE_UNREADABLE()) from error
    for key, _ in text_problems(tree):
        raise SettingsError(key or "a key", SettingCode.NOT_SETTING_TEXT())
    settings: Settings = _read(tree, Settings)
    if settings.database is not None and not environ.get(MASTER_KEY):
        raise SettingsError(MASTER_KEY, SettingCode.MASTER_KEY_NEEDED())
    return attrs.evolve(settings, data_dir=(cwd / settings.data_dir.expanduser()).absolute())


def variable_warnings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Message, ...]:
    """Return a warning for each variable that looks like a setting and that nothing reads."""
    _, tree = read_tree(config=config, environ=environ, cwd=cwd)
    return tuple(
        RefusalCode.PROBLEM(field=name, reason=SettingCode.UNKNOWN_VARIABLE())
        for name in _unread_variables(tree, environ)
    )


def settings_file(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the path of the settings file; it may not exist."""
    return config or Path(environ.get("IMAGEGEN_CONFIG") or cwd / "config.yaml")


def read_tree(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Path, dict[str, Any]]:
    """Return the file's path, and its tree overridden by variables."""
    path = settings_file(config=config, environ=environ, cwd=cwd)
    tree = read_yaml(path) if config is not None or environ.get("IMAGEGEN_CONFIG") or path.exists() else {}
    tree = {} if tree is None else tree  # an empty file
    if not isinstance(tree, dict):
        raise SettingsError(str(path), SettingCode.NOT_A_MAPPING())
    _insert_variables(tree, environ)
    return path, tree


def setting_origins(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Origins:
    return dict(_origins_of(read_tree(config=config, environ=environ, cwd=cwd)[1], ""))


def _origins_of(tree: Mapping[str, Any], above: str) -> Iterator[tuple[str, Origin]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _origins_of(value, f"{key}.")
        else:
            yield key, Origin.ENVIRONMENT if isinstance(value, EnvText) else Origin.FILE


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
    secrets = (secret for key, secret in secrets_of(settings) if key != "access_key_id")
    is_exposed = is_open and any(secret in text for secret in secrets if secret)
    return SettingCode.READABLE_BY_ALL(path=str(path)) if is_exposed else None


def check_bind(host: str, auth_token: str | None) -> None:
    """Refuse an address that others can reach, unless there is a token."""
    if not is_loopback(host) and not auth_token:
        raise SettingsError("server.host", SettingCode.TOKEN_REQUIRED(host=host))


# ---------------------------------------------------------------- the file

_MAX_FILE_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys: PyYAML keeps the last, so a second ``server:`` would lose the token."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)  # before `<<` merges other keys into it
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                line = key.start_mark.line + 1
                if first := lines.get(key.value):
                    raise SettingsError(None, SettingCode.KEY_TWICE(key=key.value, first=first, second=line))
                lines[key.value] = line
        return node


def read_yaml(path: Path) -> Any:
    """Read a YAML or JSON file; a duplicate key is an error."""
    text = read_file(path)
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except SettingsError as error:
        raise SettingsError(str(path), error.problem) from error
    except (ValueError, OverflowError, RecursionError) as error:  # an impossible date, endless nesting
        raise SettingsError(str(path), SettingCode.VALUE_UNREADABLE()) from error
    except yaml.YAMLError as error:
        mark, detail = getattr(error, "problem_mark", None), str(getattr(error, "problem", ""))
        reason = SettingCode.NOT_YAML(detail=detail)
        if mark is not None:
            reason = SettingCode.NOT_YAML_IN_LINE(line=mark.line + 1, detail=detail)
        raise SettingsError(str(path), reason) from error


def read_file(path: Path) -> str:
    """Return the text of a file, cut at a bound."""
    try:
        return path.read_bytes()[:_MAX_FILE_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), SettingCode.FILE_UNREADABLE(detail=read_problem(error))) from error


# ---------------------------------------------------------------- variables

DASHED_PROVIDERS = ("huawei-maas", "openai-compatible", "openai-dalle", "stable-diffusion")
"""Providers that need no file, and whose names a variable cannot spell."""

_MIN_SIMILARITY = 0.85
_SERVICE_LINK = re.compile(
    r"(?:.*_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?=.*|PORT_\d+_(?:TCP|UDP)(?:_\w+)?=.*|PORT=(?:tcp|udp)://.*)"
)
"""Variables that Kubernetes and container links set for a service with our name."""


def _insert_variables(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Override the file's ``tree``. Variables that are no keys are left alone, unless they look misspelt."""
    for name, keys in _variables(environ):
        if _is_key(keys):
            _insert(tree, keys, EnvText(environ[name]), name)
    for name in _unread_variables(tree, environ):
        spelling = nearest(name.removeprefix(PREFIX), _SPELLINGS, min_similarity=_MIN_SIMILARITY)
        if spelling is not None:
            suggestion = f"{PREFIX}{_SPELLINGS[spelling].upper()}"
            raise SettingsError(name, SettingCode.MISSPELT_VARIABLE(suggestion=suggestion))


def _unread_variables(tree: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield variables with our prefix that nobody uses: no key, in no ``env:``, not set by Kubernetes."""
    for name, keys in _variables(environ):
        is_link = _SERVICE_LINK.fullmatch(f"{name.removeprefix(PREFIX)}={environ[name]}")
        if not (_is_key(keys) or is_link or _is_referenced(tree, f"env:{name}")):
            yield name


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the variables with our prefix, and the keys that each may name, outermost section first."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            yield name, name.removeprefix(PREFIX).lower().split("__")


def _is_key(keys: list[str]) -> bool:
    return len(keys) > 1 or keys[0] in attrs.fields_dict(Settings)


def _is_referenced(value: Any, reference: str) -> bool:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return any(_is_referenced(item, reference) for item in items)
    return bool(value == reference)


def _names(section: Any, above: str = "") -> Iterator[str]:
    """Yield all keys as variables spell them, such as ``server__port``."""
    for field in attrs.fields(section):
        yield f"{above}{field.name}"
        for kind in (field.type, *get_args(field.type)):
            if attrs.has(kind) and field.name != "providers":
                yield from _names(kind, f"{above}{field.name}__")


_SPELLINGS = {
    "_".join(words[start:]): "__".join(words)
    for words in reversed([name.split("__") for name in _names(Settings)])
    for start in reversed(range(len(words)))
}
"""Each key by its likely spellings, with all, some or none of its sections; the first key wins."""


def _insert(tree: dict[str, Any], keys: list[str], value: Any, variable: str) -> None:
    for depth, key in enumerate(keys):
        file_key = _file_key(tree, key, variable, is_provider=depth == 1 and keys[0] == "providers")
        if depth == len(keys) - 1:
            tree[file_key] = value
            return
        below = tree.get(file_key) or {}
        if not isinstance(below, dict):
            raise SettingsError(".".join(keys[: depth + 1]), SettingCode.NO_KEYS_BELOW())
        tree[file_key] = below
        tree = below


def _file_key(tree: Mapping[str, Any], key: str, variable: str, *, is_provider: bool) -> str:
    """Return the key that a variable means, since a variable cannot spell ``-`` and ``.``."""
    candidates = [str(k) for k in tree if _normalized(str(k)) == key]
    if len(candidates) > 1:
        raise SettingsError(variable, SettingCode.AMBIGUOUS_VARIABLE(candidates=tuple(sorted(candidates))))
    if not candidates and is_provider:
        candidates = [name for name in DASHED_PROVIDERS if _normalized(name) == key]
        if "_" in key and not candidates:
            names = (key, key.replace("_", "-"))
            raise SettingsError(variable, SettingCode.AMBIGUOUS_PROVIDER(candidates=names))
    return candidates[0] if candidates else key


def _normalized(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


# ---------------------------------------------------------------- secrets


def with_master_key(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the master key itself, from its ``file:``, else systemd's credential."""
    value = environ.get(MASTER_KEY, "")
    if not value and (folder := environ.get(CREDENTIALS.removeprefix("$"))):
        credential = Path(folder, MASTER_KEY_CREDENTIAL)
        value = f"file:{credential}" if os.access(credential, os.R_OK) else ""
    if not value.startswith("file:"):
        return environ
    return {**environ, MASTER_KEY: _read_secret(value.removeprefix("file:"), MASTER_KEY, environ, Path("/"))}


def _resolve_secrets(value: Any, path: tuple[str, ...], environ: Mapping[str, str], folder: Path) -> Any:
    if isinstance(value, dict):
        return {k: _resolve_secrets(v, (*path, str(k)), environ, folder) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve_secrets(v, (*path, str(i)), environ, folder) for i, v in enumerate(value)]
    if isinstance(value, str) and value.startswith("env:"):
        return _variable(value.removeprefix("env:"), ".".join(path), environ)
    if isinstance(value, str) and value.startswith("file:"):
        return _read_secret(value.removeprefix("file:"), ".".join(path), environ, folder)
    return value


def _variable(name: str, key: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise SettingsError(key, SettingCode.VARIABLE_NOT_SET(name=name))
    return environ[name]


def _read_secret(name: str, key: str, environ: Mapping[str, str], folder: Path) -> str:
    """Read a secret from a file, relative to the settings' folder or in systemd's credentials."""
    if name.startswith(f"{CREDENTIALS}/"):
        name = name.replace(CREDENTIALS, _variable(CREDENTIALS.removeprefix("$"), key, environ), 1)
    file = folder / name
    try:
        secret = file.read_text().strip()
    except (OSError, ValueError) as error:
        reason = read_problem(error)
        raise SettingsError(key, SettingCode.SECRET_UNREADABLE(path=str(file), reason=reason)) from error
    if not secret:
        raise SettingsError(key, SettingCode.SECRET_EMPTY(path=str(file)))
    return secret


# ---------------------------------------------------------------- single values


@contextmanager
def _below(name: str) -> Iterator[None]:
    """Put a name before the key of an error in the block."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(name if error.key is None else f"{name}.{error.key}", error.problem) from error
    except ValidationFailed as error:
        raise SettingsError.from_problem(error.problems[0], name) from error


def _parse_variable(value: Any, parse: Callable[[str], Any]) -> Any:
    """Parse the text of a variable, None if that fails; other values stay as they are."""
    if not isinstance(value, EnvText):
        return value
    try:
        return parse(value)
    except ValueError:
        return None


def _typed(value: Any, expected: JsonType, *kinds: type) -> Any:
    """Return a value that is of these types; a boolean is no number."""
    if type(value) not in kinds and (isinstance(value, bool) or not isinstance(value, kinds)):
        raise SettingsError(None, ProblemCode.WRONG_TYPE(types=(expected(),)))
    return value


def _text(value: Any) -> str:
    return str(_typed(value, JsonType.STRING, str))


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _boolean(value: Any) -> bool:
    value = _parse_variable(value, lambda text: _BOOLEANS.get(text.lower()))
    return bool(_typed(value, JsonType.BOOLEAN, bool))


def _integer(value: Any) -> int:
    return int(_typed(_parse_variable(value, int), JsonType.INTEGER, int))


def _number(value: Any) -> float:
    try:
        number = float(_typed(_parse_variable(value, float), JsonType.NUMBER, int, float))
    except OverflowError:  # an integer of more than 308 digits
        number = math.inf
    if not math.isfinite(number):
        raise SettingsError(None, ProblemCode.NOT_FINITE())
    return number


def _list(value: Any) -> list[Any]:
    """Return a list; in a variable it is JSON or separated by commas, since ``[::1]`` is an address."""
    items = _parse_variable(value, json.loads)
    if isinstance(value, EnvText) and not isinstance(items, list):
        return [item.strip() for item in value.split(",") if item.strip()]
    if not isinstance(items, (list, tuple)):
        raise SettingsError(None, SettingCode.NOT_A_LIST())
    return list(items)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(None, SettingCode.NOT_A_MAPPING())
    return value


# ---------------------------------------------------------------- providers

_MODEL_FIELDS = ("id", "name", "default", "capabilities")


def _providers(tree: Any) -> dict[str, ProviderConfig]:
    configs = {}
    for name, fields in _mapping(tree or {}).items():
        with _below(str(name)):
            configs[str(name)] = _provider(str(name), _mapping(fields or {}))
    return configs


def _provider(name: str, fields: Mapping[Any, Any]) -> ProviderConfig:
    for key in fields:
        if key not in PROVIDER_FIELDS:
            raise SettingsError(str(key), unknown_key(str(key), PROVIDER_FIELDS))
    values: dict[str, Any] = {}
    types = attrs.fields_dict(ProviderConfig)
    for key in PROVIDER_FIELDS:
        read = _PROVIDER_READERS.get(key) or _READERS[get_args(types[key].type)[0]]
        with _below(key):
            values[key] = None if fields.get(key) is None else read(fields[key])
    extra = values.pop("extra_config") or {}
    return ProviderConfig(provider_name=name, source=ConfigSource.FILE, extra_config=extra, **values)


def _extra_config(value: Any) -> dict[str, Any]:
    extra = _mapping(_parse_variable(value, json.loads))
    if isinstance(most := extra.get("max_concurrency"), EnvText) and most.isdecimal():
        return {**extra, "max_concurrency": _integer(most)}
    return extra


def _models(value: Any) -> tuple[ModelEntry, ...]:
    entries = []
    for index, item in enumerate(_list(value)):
        with _below(str(index)):
            entries.append(_model(item))
    return tuple(entries)


def _model(item: Any) -> ModelEntry:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise SettingsError(None, ProblemCode.MODEL_WITHOUT_ID())
    for key in sorted(str(key) for key in item if key not in _MODEL_FIELDS):
        raise SettingsError(key, unknown_key(key, _MODEL_FIELDS))
    capabilities = item.get("capabilities")
    if capabilities is not None:
        capabilities = parse_operations(_list(capabilities), "capabilities")
    default, name = _boolean(item.get("default", False)), str(item.get("name", ""))
    return ModelEntry(id=item["id"], name=name, default=default, capabilities=capabilities)


_PROVIDER_READERS: Mapping[str, Callable[[Any], Any]] = {
    "extra_config": _extra_config,
    "api_base": lambda value: _text(value) or None,
    "api_key": lambda value: Secret.parse(text) if (text := _text(value)) else None,
    "models": _models,
}
"""The others are read by their types."""


# ---------------------------------------------------------------- from the tree to the settings

_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _text,
    bool: _boolean,
    int: _integer,
    float: _number,
    Path: lambda value: Path(_text(value)),
    tuple[str, ...]: lambda value: tuple(map(_text, _list(value))),
    Mapping[str, ProviderConfig]: _providers,
    Mapping[str, Any]: lambda value: _mapping(_parse_variable(value, json.loads)),
}


def _read(value: Any, kind: Any) -> Any:
    """Read a value or a section; for ``X | None`` an empty variable, ``null`` or ``~`` means None."""
    if kind in _READERS:
        return _READERS[kind](value)
    if NoneType in get_args(kind):
        is_unset = value is None or (isinstance(value, EnvText) and value in ("", "null", "~"))
        return None if is_unset else _read(value, get_args(kind)[0])
    tree, values, fields = _mapping(value), {}, attrs.fields_dict(kind)
    for name, field in fields.items():
        with _below(name):
            if name in tree:
                values[name] = _read(tree[name], field.type)
            elif field.default is attrs.NOTHING:
                raise SettingsError(None, ProblemCode.REQUIRED())
    for name in sorted({*map(str, tree)} - fields.keys()):
        raise SettingsError(name, unknown_key(name, fields))
    return kind(**values)
