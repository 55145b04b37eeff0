"""Reads settings from a YAML file and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_union_passthrough

from imagegen_core.messages import Message, upstream_text
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.problems.refusals import RefusalCode
from imagegen_core.providers.addresses import is_loopback
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.providers.unknown_keys import unknown_key
from imagegen_core.text_problems import text_problems
from imagegen_http.problems.system_errors import read_problem
from imagegen_http.settings.environment import MASTER_KEY, insert_variables, unread_variables
from imagegen_http.settings.file import read_settings_file
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.providers import read_providers
from imagegen_http.settings.schema import Settings, SettingsError
from imagegen_http.settings.validators import InvalidValue
from imagegen_http.settings.values import (
    is_null,
    read_boolean,
    read_integer,
    read_list,
    read_number,
    read_typed,
)

if TYPE_CHECKING:  # one command needs them
    from imagegen_http.settings.origins import Origins
    from imagegen_http.settings.token_place import TokenPlace

CREDENTIALS = "$CREDENTIALS_DIRECTORY"
"""The directory where systemd's LoadCredential= puts files that only this service can read."""

MASTER_KEY_CREDENTIAL = "master_key"


def load_settings(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of ``config``, else ``IMAGEGEN_CONFIG``, else ``cwd/config.yaml``, else defaults.

    A relative ``data_dir`` is relative to ``cwd``.

    Raises:
        SettingsError: the file cannot be read, or a key is unknown, has the wrong type or lacks its secret.
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
    """Return a warning for each variable that looks like a setting and that nothing reads.

    Raises:
        SettingsError: as for `load_settings`.
    """
    _, tree = _tree(config, environ, cwd)
    return tuple(
        RefusalCode.PROBLEM(field=name, reason=SettingCode.UNKNOWN_VARIABLE())
        for name in unread_variables(tree, environ)
    )


def setting_origins(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> "Origins":
    """Return where each key that is set was set.

    Raises:
        SettingsError: as for `load_settings`.
    """
    from imagegen_http.settings.origins import origins_of

    _, tree = _tree(config, environ, cwd)
    return origins_of(tree)


def token_place(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> "TokenPlace | None":
    """Return where the token of callers is kept; None where there is none.

    Raises:
        SettingsError: as for `load_settings`.
    """
    from imagegen_http.settings.token_place import TokenPlace

    path, tree = _tree(config, environ, cwd)
    return TokenPlace.of_tree(tree, path)


def settings_file(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the path of the file that is read; there may be none if nobody has named it."""
    named = config or (Path(environ["IMAGEGEN_CONFIG"]) if environ.get("IMAGEGEN_CONFIG") else None)
    return named or cwd / "config.yaml"


def _tree(config: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[Path, dict[str, Any]]:
    """Return the path of the file and its tree, with the variables merged into it."""
    path = settings_file(config=config, environ=environ, cwd=cwd)
    is_named = config is not None or environ.get("IMAGEGEN_CONFIG")
    tree = read_settings_file(path) if is_named or path.exists() else {}
    insert_variables(tree, environ)
    return path, tree


def with_master_key(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the content of the file that ``IMAGEGEN_MASTER_KEY`` names, if it does.

    Without the variable, a credential of systemd's with the name ``master_key`` is the key, for the service
    and for root's commands alike.

    Raises:
        SettingsError: the file cannot be read.
    """
    value = environ.get(MASTER_KEY, "")
    if not value and (folder := environ.get(CREDENTIALS.removeprefix("$"))):
        credential = Path(folder, MASTER_KEY_CREDENTIAL)
        value = f"file:{credential}" if os.access(credential, os.R_OK) else ""
    if not value.startswith("file:"):
        return environ
    return {**environ, MASTER_KEY: _read_secret(value.removeprefix("file:"), MASTER_KEY, environ, Path("/"))}


def check_bind(host: str, auth_token: str | None) -> None:
    """Check that the service does not listen on a reachable address without a token.

    Raises:
        SettingsError: the address is not loopback and there is no ``server.auth_token``.
    """
    if not is_loopback(host) and not auth_token:
        raise SettingsError("server.host", SettingCode.TOKEN_REQUIRED(host=host))


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
    converter.register_structure_hook(str, lambda v, _: read_typed(v, str))
    converter.register_structure_hook(str | None, lambda v, _: None if is_null(v) else read_typed(v, str))
    converter.register_structure_hook(bool, lambda v, _: read_boolean(v))
    converter.register_structure_hook(int, lambda v, _: read_integer(v))
    converter.register_structure_hook(float, lambda v, _: read_number(v))
    converter.register_structure_hook(Path, lambda v, _: Path(read_typed(v, str)))
    converter.register_structure_hook_func(
        lambda t: t == tuple[str, ...], lambda v, _: tuple(read_typed(item, str) for item in read_list(v))
    )
    converter.register_structure_hook_func(
        _is_optional_section, lambda v, t: None if is_null(v) else converter.structure(v, _section_type(t))
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
