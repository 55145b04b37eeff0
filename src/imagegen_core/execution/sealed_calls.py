"""The configuration under which a call was sent, stored until its outcome is known, with secrets sealed."""

from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import SentConfig
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig, split_secrets
from imagegen_core.models import Model
from imagegen_core.operations import Operation
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.secrets import open_fields, seal_fields


@attrs.frozen(kw_only=True)
class SentCall:
    """The combined configuration of a call, and the upstream id of its model."""

    config: ProviderConfig
    remote_id: str


def seal_call(
    config: ProviderConfig, model: Model, box: SecretBox, attempt_id: str, *, ambient: bool = False
) -> SentConfig | None:
    """Return what to store in the attempt; it can be opened for this attempt only.

    Returns None if there are secrets and the box is locked. A secret is sealed together with the address it
    is sent to, so that nobody who can write to the database can redirect it. ``ambient``: calls use
    credentials of this machine, whose address must not be changed either.
    """
    fields = {**_fields(config), "remote_id": model.remote_id}
    if not ambient and config.api_key is None and not split_secrets(config.extra_config)[1]:
        return SentConfig(text=seal_fields(fields, str), sealed=False)
    if box.locked:
        return None
    text = seal_fields(fields, partial(box.seal, context=_context(attempt_id)))
    return SentConfig(text=text, sealed=True)


def open_call(config: SentConfig, box: SecretBox, attempt_id: str) -> SentCall:
    """Return the call that `seal_call` stored.

    Raises:
        KeysLocked: the master key is missing or wrong.
    """
    open_text = partial(box.open, config.text, context=_context(attempt_id))
    fields = open_fields(open_text if config.sealed else lambda: config.text)
    remote_id, models, source = fields.pop("remote_id"), fields.pop("models"), fields.pop("source")
    provider_config = ProviderConfig(
        source=ConfigSource(source),
        models=None if models is None else tuple(map(_entry, models)),
        is_unchecked=True,
        is_sent=True,
        **fields,
    )
    return SentCall(config=provider_config, remote_id=remote_id)


def _fields(config: ProviderConfig) -> dict[str, Any]:
    return {
        "provider_name": config.provider_name,
        "source": config.source,
        "kind": config.kind,
        "api_base": config.api_base,
        "api_key": config.api_key,
        "models": None if config.models is None else [attrs.asdict(entry) for entry in config.models],
        "timeout_seconds": config.timeout_seconds,
        "max_retries": config.max_retries,
        "extra_config": dict(config.extra_config),
    }


def _entry(fields: dict[str, Any]) -> ModelEntry:
    names = fields.pop("capabilities")
    return ModelEntry(capabilities=None if names is None else tuple(map(Operation, names)), **fields)


def _context(attempt_id: str) -> str:
    return f"attempt:{attempt_id}"
