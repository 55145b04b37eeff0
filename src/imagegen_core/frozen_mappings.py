"""Mappings that values hold: copied once, and read-only from then on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; attrs' converters use it."""
    return MappingProxyType(dict(value))
