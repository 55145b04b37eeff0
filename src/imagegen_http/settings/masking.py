"""The settings as anybody may see them: plain values, secrets masked."""

from typing import Any

import attrs

from imagegen_core.providers.config import PROVIDER_FIELDS, ProviderConfig, masked_extra

MASK = "****"

_SECRET_NAMES = frozenset(
    {"auth_token", "access_key_id", "access_key_secret", "security_token", "session_token", "api_key"}
)


def masked(value: Any, name: str = "") -> Any:
    """Return a setting or a section as numbers, texts, lists and mappings; ``name`` is its last key.

    An address of a database is not masked here.
    """
    if name in _SECRET_NAMES:
        return None if value is None else MASK
    if isinstance(value, ProviderConfig):
        fields = {key: getattr(value, key) for key in PROVIDER_FIELDS}
        fields["extra_config"] = masked_extra(value.extra_config)
        return {k: masked(v, k) for k, v in fields.items() if v is not None}
    if attrs.has(type(value)):
        return {f.name: masked(getattr(value, f.name), f.name) for f in attrs.fields(type(value))}
    if isinstance(value, (tuple, list)):
        return [masked(item) for item in value]
    if hasattr(value, "items"):
        return {str(k): masked(v, str(k)) for k, v in value.items()}
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)
