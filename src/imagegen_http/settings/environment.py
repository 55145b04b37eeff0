"""Puts environment variables into the tree of settings, and refuses those that seem to be misspelt."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import attrs

from imagegen_core.providers.unknown_keys import nearest
from imagegen_http.settings.schema import Settings, SettingsError
from imagegen_http.settings.values import EnvText

PREFIX = "IMAGEGEN_"
MASTER_KEY = "IMAGEGEN_MASTER_KEY"
NOT_SETTINGS = frozenset({"IMAGEGEN_CONFIG", MASTER_KEY, "IMAGEGEN_PYTHON"})
"""Variables with our prefix that are no keys of the file; the last is for ``./run``."""

DASHED_PROVIDERS = ("openai-compatible", "openai-dalle", "stable-diffusion")
"""The providers known without a file whose names no variable can spell."""

_MIN_SIMILARITY = 0.85
_SERVICE_LINK = re.compile(
    r"(?:.*_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?=.*|PORT_\d+_(?:TCP|UDP)(?:_\w+)?=.*|PORT=(?:tcp|udp)://.*)"
)
"""What Kubernetes and container links set for a service that is named like ours, with its value."""


def insert_variables(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Put each variable that names a key over the file's ``tree``.

    One that only begins like ours may be somebody else's; but not one that is a key's but for a letter, an
    underscore or the sections above it.

    Raises:
        SettingsError: naming the variable or the key.
    """
    for name in _setting_names(environ):
        keys = _keys(name)
        if _is_key(keys):
            _insert(tree, keys, EnvText(environ[name]), name)
    for name in unread_variables(tree, environ):
        meant = nearest(name.removeprefix(PREFIX), _SPELLINGS, min_similarity=_MIN_SIMILARITY)
        if meant is not None:
            raise SettingsError(
                f"{name}: unknown variable; did you mean {PREFIX}{_SPELLINGS[meant].upper()}?"
            )


def unread_variables(tree: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables with our prefix for which neither we nor ``tree``, by ``env:``, have a use.

    What Kubernetes sets for a service that is named like ours is not among them.
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
    """Yield the names of all keys as variables write them, ``server__port``."""
    for field in attrs.fields(section):
        yield f"{above}{field.name}"
        for kind in (field.type, *get_args(field.type)):
            if attrs.has(kind) and field.name != "providers":
                yield from _names(kind, f"{above}{field.name}__")


def _spellings() -> Iterator[tuple[str, str]]:
    """Yield what people write for each key: all of it, or without the sections above."""
    for name in _names(Settings):
        words = name.split("__")
        yield from (("_".join(words[start:]), name) for start in range(len(words)))


_SPELLINGS = dict(reversed([*_spellings()]))
"""Where two keys end alike, the first one is meant."""


def _insert(tree: dict[str, Any], keys: list[str], value: Any, variable: str) -> None:
    for depth, key in enumerate(keys):
        names_provider = depth == 1 and keys[0] == "providers"
        spelt = (
            _matching_provider(tree, key, variable) if names_provider else _matching_key(tree, key, variable)
        )
        if depth == len(keys) - 1:
            tree[spelt] = value
            return
        if not isinstance(tree.get(spelt) or {}, dict):
            raise SettingsError(f"{'.'.join(keys[: depth + 1])}: has no keys below it")
        tree[spelt] = tree.get(spelt) or {}
        tree = tree[spelt]


def _matching_key(tree: Mapping[str, Any], key: str, variable: str) -> str:
    """Return the key of the file that a variable means; ``-`` and ``.`` cannot be in a variable's name."""
    means = [str(k) for k in tree if _normalized(str(k)) == key]
    if len(means) > 1:
        raise SettingsError(f"{variable}: may mean {' or '.join(sorted(means))}")
    return means[0] if means else key


def _matching_provider(providers: Mapping[str, Any], key: str, variable: str) -> str:
    """Return the provider that a variable means: one of the file, else one that is known without it."""
    spelt = _matching_key(providers, key, variable)
    if spelt in providers:
        return spelt
    known = [name for name in DASHED_PROVIDERS if _normalized(name) == key]
    if "_" in key and not known:
        raise SettingsError(
            f"{variable}: may mean {key} or {key.replace('_', '-')}; "
            "write the provider's name below providers in the file"
        )
    return known[0] if known else key


def _normalized(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()
