"""Reads settings from a YAML file and the environment.

First the file becomes a tree, and each variable that names a key overrides a leaf of it. Then ``env:`` and
``file:`` are replaced by the secrets they refer to, and the tree becomes `Settings`.
"""

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import attrs
import cattrs
import yaml
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_union_passthrough

from imagegen_core.config import PROVIDER_FIELDS, ConfigSource, ModelEntry, ProviderConfig, is_loopback
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message, upstream_text
from imagegen_core.operations import parse_operations
from imagegen_core.problems import JsonType, ProblemCode, RefusalCode
from imagegen_core.secrets import Secret
from imagegen_core.text import nearest, text_problems, unknown_key
from imagegen_http.errors import read_problem
from imagegen_http.settings.schema import EnvText, InvalidValue, SettingCode, Settings, SettingsError

if TYPE_CHECKING:  # one command needs them
    from imagegen_http.settings.shown import Origins, TokenPlace

PREFIX = "IMAGEGEN_"
MASTER_KEY = "IMAGEGEN_MASTER_KEY"
NOT_SETTINGS = frozenset(
    {"IMAGEGEN_CONFIG", MASTER_KEY, "IMAGEGEN_LANG", "IMAGEGEN_PYTHON", "IMAGEGEN_SERVER", "IMAGEGEN_TOKEN"}
)
"""Variables with our prefix that are not keys of the file; four are for ``./run`` and the command line."""

CREDENTIALS = "$CREDENTIALS_DIRECTORY"
"""The directory where systemd's LoadCredential= puts files that only this service can read."""

MASTER_KEY_CREDENTIAL = "master_key"


def load_settings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of ``config``, else ``IMAGEGEN_CONFIG``, else ``cwd/config.yaml``, else defaults.

    A relative ``data_dir`` is relative to ``cwd``. Raises SettingsError if the file cannot be read, or a key
    is unknown, has the wrong type or lacks its secret.
    """
    path, tree = _tree(config, environ, cwd)
    tree = _resolve_secrets(tree, (), environ, path.parent)
    for key, _ in text_problems(tree):
        raise SettingsError(key or "a key", SettingCode.NOT_SETTING_TEXT())
    settings = _structure(tree)
    if settings.database is not None and not environ.get(MASTER_KEY):
        raise SettingsError(MASTER_KEY, SettingCode.MASTER_KEY_NEEDED())
    return attrs.evolve(settings, data_dir=(cwd / settings.data_dir.expanduser()).absolute())


def variable_warnings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Message, ...]:
    """Return a warning for each variable that looks like a setting and that nothing reads."""
    _, tree = _tree(config, environ, cwd)
    return tuple(
        RefusalCode.PROBLEM(field=name, reason=SettingCode.UNKNOWN_VARIABLE())
        for name in unread_variables(tree, environ)
    )


def setting_origins(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> "Origins":
    """Return where each key that is set was set."""
    from imagegen_http.settings.shown import origins_of

    return origins_of(_tree(config, environ, cwd)[1])


def token_place(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> "TokenPlace | None":
    """Return where the token of callers is kept; None where there is none."""
    from imagegen_http.settings.shown import TokenPlace

    path, tree = _tree(config, environ, cwd)
    return TokenPlace.of_tree(tree, path)


def settings_file(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the path of the file that is read; there may be none if nobody has named it."""
    named = config or (Path(environ["IMAGEGEN_CONFIG"]) if environ.get("IMAGEGEN_CONFIG") else None)
    return named or cwd / "config.yaml"


def check_bind(host: str, auth_token: str | None) -> None:
    """Refuse to listen on a reachable address without a token."""
    if not is_loopback(host) and not auth_token:
        raise SettingsError("server.host", SettingCode.TOKEN_REQUIRED(host=host))


def _tree(config: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Path, dict[str, Any]]:
    """Return the path of the file and its tree, with the variables merged into it."""
    path = settings_file(config=config, environ=environ, cwd=cwd)
    is_named = config is not None or environ.get("IMAGEGEN_CONFIG")
    tree = read_yaml(path) if is_named or path.exists() else {}
    if tree is None:  # an empty file
        tree = {}
    if not isinstance(tree, dict):
        raise SettingsError(str(path), SettingCode.NOT_A_MAPPING())
    insert_variables(tree, environ)
    return path, tree


# ---------------------------------------------------------------- the file

_MAX_FILE_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys: PyYAML silently keeps the last, so a second ``server:`` would lose the token.

    They are checked while composing, when a mapping holds only what is written and nothing merged by ``<<``.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                first = lines[key.value]
                raise InvalidValue(SettingCode.KEY_TWICE(key=key.value, first=first, second=line))
            lines[key.value] = line
        return node


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML (or JSON) file; a duplicate key is an error."""
    text = read_file(path)
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader
    except InvalidValue as error:
        raise SettingsError(str(path), error.reason) from error
    except (ValueError, OverflowError, RecursionError) as error:  # an impossible date, endless nesting
        raise SettingsError(str(path), SettingCode.VALUE_UNREADABLE()) from error
    except yaml.YAMLError as error:
        mark, detail = getattr(error, "problem_mark", None), str(getattr(error, "problem", ""))
        reason = SettingCode.NOT_YAML(detail=detail)
        if mark is not None:
            reason = SettingCode.NOT_YAML_IN_LINE(line=mark.line + 1, detail=detail)
        raise SettingsError(str(path), reason) from error


def read_file(path: Path) -> str:
    """Return the text of a file, of one that is too long its beginning."""
    try:
        return path.read_bytes()[:_MAX_FILE_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        detail = read_problem(error)
        raise SettingsError(str(path), SettingCode.FILE_UNREADABLE(detail=detail)) from error


# ---------------------------------------------------------------- variables

DASHED_PROVIDERS = ("huawei-maas", "openai-compatible", "openai-dalle", "stable-diffusion")
"""The providers that need no file and whose names a variable cannot spell."""

_MIN_SIMILARITY = 0.85
_SERVICE_LINK = re.compile(
    r"(?:.*_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?=.*|PORT_\d+_(?:TCP|UDP)(?:_\w+)?=.*|PORT=(?:tcp|udp)://.*)"
)
"""Variables (with values) that Kubernetes and container links set for a service with our name."""


def insert_variables(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Let each variable that names a key override the file's ``tree``.

    A variable that merely has our prefix may belong to somebody else. But one that differs from a key only in
    a letter, an underscore or missing sections is refused as misspelt.
    """
    for name in _setting_names(environ):
        keys = _keys(name)
        if _is_key(keys):
            _insert(tree, keys, EnvText(environ[name]), name)
    for name in unread_variables(tree, environ):
        spelling = nearest(name.removeprefix(PREFIX), _SPELLINGS, min_similarity=_MIN_SIMILARITY)
        if spelling is not None:
            suggestion = f"{PREFIX}{_SPELLINGS[spelling].upper()}"
            raise SettingsError(name, SettingCode.MISSPELT_VARIABLE(suggestion=suggestion))


def unread_variables(tree: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables with our prefix that are not settings and that ``tree`` does not use by ``env:``.

    Those that Kubernetes sets for a service with our name are left out.
    """
    return tuple(
        name
        for name in _setting_names(environ)
        if not _is_key(_keys(name))
        and not _SERVICE_LINK.fullmatch(f"{name.removeprefix(PREFIX)}={environ[name]}")
        and not _is_referenced(tree, f"env:{name}")
    )


def _setting_names(environ: Mapping[str, str]) -> Iterator[str]:
    return (name for name in sorted(environ) if name.startswith(PREFIX) and name not in NOT_SETTINGS)


def _keys(name: str) -> list[str]:
    return name.removeprefix(PREFIX).lower().split("__")


def _is_key(keys: Sequence[str]) -> bool:
    return len(keys) > 1 or keys[0] in attrs.fields_dict(Settings)


def _is_referenced(value: Any, reference: str) -> bool:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return any(_is_referenced(item, reference) for item in items)
    return bool(value == reference)


def _names(section: Any, above: str = "") -> Iterator[str]:
    """Yield the names of all keys in the form of variables, such as ``server__port``."""
    for field in attrs.fields(section):
        yield f"{above}{field.name}"
        for kind in (field.type, *get_args(field.type)):
            if attrs.has(kind) and field.name != "providers":
                yield from _names(kind, f"{above}{field.name}__")


def _spellings() -> Iterator[tuple[str, str]]:
    """Yield the likely spellings of each key: complete, or without its sections."""
    for name in _names(Settings):
        words = name.split("__")
        yield from (("_".join(words[start:]), name) for start in range(len(words)))


_SPELLINGS = dict(reversed([*_spellings()]))
"""If two keys have the same last part, the first one wins."""


def _insert(tree: dict[str, Any], keys: list[str], value: Any, variable: str) -> None:
    for depth, key in enumerate(keys):
        names_provider = depth == 1 and keys[0] == "providers"
        match = _matching_provider if names_provider else _matching_key
        file_key = match(tree, key, variable)
        if depth == len(keys) - 1:
            tree[file_key] = value
            return
        if not isinstance(tree.get(file_key) or {}, dict):
            raise SettingsError(".".join(keys[: depth + 1]), SettingCode.NO_KEYS_BELOW())
        tree[file_key] = tree.get(file_key) or {}
        tree = tree[file_key]


def _matching_key(tree: Mapping[str, Any], key: str, variable: str) -> str:
    """Return the file's key for a variable, whose name cannot contain ``-`` and ``.``."""
    candidates = [str(k) for k in tree if _normalized(str(k)) == key]
    if len(candidates) > 1:
        raise SettingsError(variable, SettingCode.AMBIGUOUS_VARIABLE(candidates=tuple(sorted(candidates))))
    return candidates[0] if candidates else key


def _matching_provider(providers: Mapping[str, Any], key: str, variable: str) -> str:
    """Return the provider's name for a variable: one of the file, else one that needs no file."""
    file_key = _matching_key(providers, key, variable)
    if file_key in providers:
        return file_key
    dashed = [name for name in DASHED_PROVIDERS if _normalized(name) == key]
    if "_" in key and not dashed:
        candidates = (key, key.replace("_", "-"))
        raise SettingsError(variable, SettingCode.AMBIGUOUS_PROVIDER(candidates=candidates))
    return dashed[0] if dashed else key


def _normalized(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


# ---------------------------------------------------------------- secrets


def with_master_key(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the content of the file that ``IMAGEGEN_MASTER_KEY`` names, if it does.

    Without the variable, a credential of systemd's with the name ``master_key`` is the key, for the service
    and for root's commands alike.
    """
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
        name = value.removeprefix("env:")
        if not environ.get(name):
            raise SettingsError(".".join(path), SettingCode.VARIABLE_NOT_SET(name=name))
        return environ[name]
    if isinstance(value, str) and value.startswith("file:"):
        return _read_secret(value.removeprefix("file:"), ".".join(path), environ, folder)
    return value


def _read_secret(name: str, key: str, environ: Mapping[str, str], folder: Path) -> str:
    """Return the secret in a file, relative to the settings' folder or to systemd's credentials."""
    if name.startswith(f"{CREDENTIALS}/"):
        if not environ.get(CREDENTIALS.removeprefix("$")):
            raise SettingsError(key, SettingCode.VARIABLE_NOT_SET(name="CREDENTIALS_DIRECTORY"))
        name = name.replace(CREDENTIALS, environ[CREDENTIALS.removeprefix("$")], 1)
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


def _is_null(value: Any) -> bool:
    """Return whether the value means "not set"."""
    return value is None or (isinstance(value, EnvText) and value in ("", "null", "~"))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(JsonType.STRING)
    return str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, EnvText):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        value = words.get(value.lower())
    if not isinstance(value, bool):
        raise _wrong_type(JsonType.BOOLEAN)
    return value


def _integer(value: Any) -> int:
    value = _number_of(value, int)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(JsonType.INTEGER)
    return value


def _number(value: Any) -> float:
    value = _number_of(value, float)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong_type(JsonType.NUMBER)
    if not math.isfinite(value):
        raise InvalidValue(ProblemCode.NOT_FINITE())
    return float(value)


def _list(value: Any) -> list[Any]:
    """Return a list; in a variable it is JSON or separated by commas."""
    if isinstance(value, EnvText):
        items = _json(value)
        if isinstance(items, list):
            return items
        return [item.strip() for item in value.split(",") if item.strip()]
    if not isinstance(value, (list, tuple)):
        raise InvalidValue(SettingCode.NOT_A_LIST())
    return list(value)


def _mapping(value: Any) -> dict[str, Any]:
    """Return a mapping; in a variable it is JSON."""
    if isinstance(value, EnvText):
        value = _json(value)
    if not isinstance(value, dict):
        raise InvalidValue(SettingCode.NOT_A_MAPPING())
    return value


def _number_of(value: Any, kind: type[int | float]) -> Any:
    """Return the number in a variable, None if there is none; other values as they are."""
    if not isinstance(value, EnvText):
        return value
    try:
        return kind(value)
    except ValueError:
        return None


def _json(text: EnvText) -> Any:
    """Return the parsed JSON, None if it is not JSON: ``[::1]`` is an address."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _wrong_type(expected: JsonType) -> InvalidValue:
    return InvalidValue(ProblemCode.WRONG_TYPE(types=(expected(),)))


# ---------------------------------------------------------------- providers

_MODEL_FIELDS = ("id", "name", "default", "capabilities")


def _providers(tree: Mapping[str, Any]) -> dict[str, ProviderConfig]:
    """Return the layer of configuration that the file holds for each provider."""
    providers = tree.get("providers") or {}
    if not isinstance(providers, dict):
        raise SettingsError("providers", SettingCode.NOT_A_MAPPING())
    return {str(name): _provider(str(name), fields or {}) for name, fields in providers.items()}


def _provider(name: str, fields: Any) -> ProviderConfig:
    path = f"providers.{name}"
    if not isinstance(fields, dict):
        raise SettingsError(path, SettingCode.NOT_A_MAPPING())
    for key in fields:
        if key not in PROVIDER_FIELDS:
            raise SettingsError(f"{path}.{key}", unknown_key(str(key), PROVIDER_FIELDS))
    try:
        values = {key: _provider_field(key, fields.get(key)) for key in _PROVIDER_READERS}
        values["extra_config"] = values["extra_config"] or {}
        return ProviderConfig(provider_name=name, source=ConfigSource.FILE, **values)
    except ValidationFailed as error:
        raise SettingsError.from_problem(error.problems[0], path) from error


def _provider_field(key: str, value: Any) -> Any:
    try:
        return None if value is None else _PROVIDER_READERS[key](value)
    except InvalidValue as error:
        raise ValidationFailed.for_field(key, error.reason) from error


def _extra_config(value: Any) -> dict[str, Any]:
    extra = _mapping(value)
    if isinstance(most := extra.get("max_concurrency"), EnvText) and most.isdecimal():
        return {**extra, "max_concurrency": _integer(most)}
    return extra


def _models(value: Any) -> tuple[ModelEntry, ...]:
    entries = []
    for index, item in enumerate(_list(value)):
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise ValidationFailed.for_field(f"models.{index}", ProblemCode.MODEL_WITHOUT_ID())
        if unknown := sorted(str(key) for key in item if key not in _MODEL_FIELDS):
            reason = unknown_key(unknown[0], _MODEL_FIELDS)
            raise ValidationFailed.for_field(f"models.{index}.{unknown[0]}", reason)
        default = _boolean(item.get("default", False))
        capabilities = item.get("capabilities")
        if capabilities is not None:
            capabilities = parse_operations(_list(capabilities), f"models.{index}.capabilities")
        name = str(item.get("name", ""))
        entries.append(ModelEntry(id=item["id"], name=name, default=default, capabilities=capabilities))
    return tuple(entries)


_PROVIDER_READERS: Mapping[str, Callable[[Any], Any]] = {
    "extra_config": _extra_config,
    "api_base": lambda value: _text(value) or None,
    "api_key": lambda value: Secret.parse(text) if (text := _text(value)) else None,
    "kind": _text,
    "display_name": _text,
    "models": _models,
    "enabled": _boolean,
    "timeout_seconds": _number,
    "max_retries": _integer,
}


# ---------------------------------------------------------------- from the tree to the settings


def _structure(tree: dict[str, Any]) -> Settings:
    try:
        return _converter().structure(tree, Settings)
    except SettingsError:
        raise
    except Exception as error:  # cattrs wraps whatever a hook raises
        raise _first_problem(error) from error


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    configure_union_passthrough(str | int | float | bool | None, converter)
    converter.register_structure_hook(str, lambda v, _: _text(v))
    converter.register_structure_hook(str | None, lambda v, _: None if _is_null(v) else _text(v))
    converter.register_structure_hook(bool, lambda v, _: _boolean(v))
    converter.register_structure_hook(int, lambda v, _: _integer(v))
    converter.register_structure_hook(float, lambda v, _: _number(v))
    converter.register_structure_hook(Path, lambda v, _: Path(_text(v)))
    converter.register_structure_hook_func(
        lambda t: t == tuple[str, ...], lambda v, _: tuple(map(_text, _list(v)))
    )
    converter.register_structure_hook_func(
        _is_optional_section, lambda v, t: None if _is_null(v) else converter.structure(v, _section_type(t))
    )
    converter.register_structure_hook_factory(attrs.has, lambda t: _section(t, converter))
    converter.register_structure_hook(ProviderConfig, lambda v, _: v)
    structure = _section(Settings, converter)
    converter.register_structure_hook(Settings, lambda v, t: structure({**v, "providers": _providers(v)}, t))
    return converter


def _section(target: Any, converter: cattrs.Converter) -> Any:
    structure = make_dict_structure_fn(target, converter, _cattrs_forbid_extra_keys=True)

    def checked(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise InvalidValue(SettingCode.NOT_A_MAPPING())
        return structure(value, kind)

    return checked


def _is_optional_section(target: Any) -> bool:
    members = get_args(target)
    return len(members) == 2 and type(None) in members and attrs.has(_section_type(target))  # noqa: PLR2004 - X | None


def _section_type(target: Any) -> Any:
    return next(member for member in get_args(target) if member is not type(None))


def _first_problem(error: BaseException, path: str = "") -> SettingsError:
    """Return the first problem of a structuring error."""
    if isinstance(error, SettingsError):
        return error
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        inner = error.exceptions[0]
        notes = [n for n in getattr(inner, "__notes__", []) if hasattr(n, "name")]
        name = str(notes[-1].name) if notes else ""
        return _first_problem(inner, _below(path, name) if name else path)
    if isinstance(error, ForbiddenExtraKeysError):
        key, known_keys = min(map(str, error.extra_fields)), (field.name for field in attrs.fields(error.cl))
        return SettingsError(_below(path, key), unknown_key(key, known_keys))
    if isinstance(error, KeyError):
        name = str(error.args[0])
        return SettingsError(path if path.endswith(name) else _below(path, name), ProblemCode.REQUIRED())
    if isinstance(error, InvalidValue):
        return SettingsError(_below(path, error.field) if error.field else path, error.reason)
    return SettingsError(path, upstream_text(str(error)))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}".strip(".")
