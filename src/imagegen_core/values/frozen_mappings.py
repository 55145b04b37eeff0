"""Read-only mappings for the fields of frozen values."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from imagegen_core.values.valid_text import valid_json

_EMPTY: Mapping[str, Any] = MappingProxyType({})


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; used as an attrs converter."""
    return MappingProxyType(dict(value)) if value else _EMPTY


def frozen_json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of JSON that an adapter received from a provider, every string made valid."""
    return MappingProxyType(valid_json(value))
