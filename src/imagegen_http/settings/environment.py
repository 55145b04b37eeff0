"""Merges environment variables into the tree of settings, and refuses those that seem to be misspelt."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import attrs

from imagegen_core.providers.unknown_keys import nearest
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.schema import Settings, SettingsError
from imagegen_http.settings.values import EnvText

PREFIX = "IMAGEGEN_"
MASTER_KEY = "IMAGEGEN_MASTER_KEY"
NOT_SETTINGS = frozenset(
    {"IMAGEGEN_CONFIG", MASTER_KEY, "IMAGEGEN_LANG", "IMAGEGEN_PYTHON", "IMAGEGEN_SERVER", "IMAGEGEN_TOKEN"}
)
"""Variables with our prefix that are not keys of the file; four are for ``./run`` and the command line."""

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

    Raises:
        SettingsError: the message names the variable or the key.
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
        return any(
            _is_referenced(v, reference) for v in (value.values() if isinstance(value, dict) else value)
        )
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
