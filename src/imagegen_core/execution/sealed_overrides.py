"""A task's own configuration, sealed for as long as the task lives."""

from functools import partial

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.secrets import open_fields, seal_fields


def seal_override(override: ProviderConfig, box: SecretBox, task_id: str) -> str:
    """Return the token to store in the task; it can be opened for this task only."""
    fields = {
        "provider_name": override.provider_name,
        "api_base": override.api_base,
        "api_key": override.api_key,
        "timeout_seconds": override.timeout_seconds,
        "max_retries": override.max_retries,
    }
    return seal_fields(fields, partial(box.seal, context=_context(task_id)))


def open_override(token: str, box: SecretBox, task_id: str) -> ProviderConfig:
    """Return the sealed configuration.

    Raises:
        KeysLocked: the master key is missing or wrong.
    """
    fields = open_fields(partial(box.open, token, context=_context(task_id)))
    return ProviderConfig(source=ConfigSource.REQUEST, is_unchecked=True, **fields)


def _context(task_id: str) -> str:
    return f"task:{task_id}"
