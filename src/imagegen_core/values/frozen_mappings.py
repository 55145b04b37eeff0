"""Mappings that values hold: copied once, and read-only from then on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from imagegen_core.values.valid_text import valid_json


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; attrs' converters use it."""
    return MappingProxyType(dict(value))


def frozen_json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of what an adapter took from a provider, every text in it valid."""
    return MappingProxyType(valid_json(value))
