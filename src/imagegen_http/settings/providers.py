"""Reads the ``providers`` section: the layer below what is saved through the API."""

from collections.abc import Mapping
from typing import Any

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.config import PROVIDER_FIELDS, ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.providers.config_checks import parse_operations
from imagegen_core.providers.secrets import Secret
from imagegen_core.providers.unknown_keys import unknown_key
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.schema import SettingsError
from imagegen_http.settings.validators import InvalidValue
from imagegen_http.settings.values import (
    EnvText,
    read_boolean,
    read_integer,
    read_list,
    read_mapping,
    read_number,
    read_typed,
)

_MODEL_FIELDS = ("id", "name", "default", "capabilities")


def read_providers(tree: Mapping[str, Any]) -> dict[str, ProviderConfig]:
    """Return the layer of configuration that the file holds for each provider.

    Raises:
        SettingsError: naming the key.
    """
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
        return _provider_config(name, fields)
    except ValidationFailed as error:
        raise SettingsError.from_problem(error.problems[0], path) from error


def _provider_config(name: str, fields: Mapping[str, Any]) -> ProviderConfig:
    def read(key: str, convert: Any) -> Any:
        try:
            return None if fields.get(key) is None else convert(fields[key])
        except InvalidValue as error:
            raise ValidationFailed.for_field(key, error.reason) from error

    extra = read("extra_config", _extra_config) or {}
    api_base = read("api_base", lambda v: read_typed(v, str))
    api_key = read("api_key", lambda v: read_typed(v, str))
    return ProviderConfig(
        provider_name=name,
        source=ConfigSource.FILE,
        kind=read("kind", lambda v: read_typed(v, str)),
        display_name=read("display_name", lambda v: read_typed(v, str)),
        api_base=api_base or None,
        api_key=Secret.parse(api_key) if api_key else None,
        models=read("models", _models),
        enabled=read("enabled", read_boolean),
        timeout_seconds=read("timeout_seconds", read_number),
        max_retries=read("max_retries", read_integer),
        extra_config=extra,
    )


def _extra_config(value: Any) -> dict[str, Any]:
    extra = read_mapping(value)
    if isinstance(most := extra.get("max_concurrency"), EnvText) and most.isdecimal():
        return {**extra, "max_concurrency": read_integer(most)}
    return extra


def _models(value: Any) -> tuple[ModelEntry, ...]:
    entries = []
    for index, item in enumerate(read_list(value)):
        if not isinstance(item, dict) or not isinstance(item.get("id"), str):
            raise ValidationFailed.for_field(f"models.{index}", ProblemCode.MODEL_WITHOUT_ID())
        if unknown := sorted(str(key) for key in item if key not in _MODEL_FIELDS):
            reason = unknown_key(unknown[0], _MODEL_FIELDS)
            raise ValidationFailed.for_field(f"models.{index}.{unknown[0]}", reason)
        capabilities = item.get("capabilities")
        entries.append(
            ModelEntry(
                id=item["id"],
                name=str(item.get("name", "")),
                default=read_boolean(item.get("default", False)),
                capabilities=None
                if capabilities is None
                else parse_operations(read_list(capabilities), f"models.{index}.capabilities"),
            )
        )
    return tuple(entries)
