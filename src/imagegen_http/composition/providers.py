"""The provider adapters."""

from collections.abc import Mapping

from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ProviderEnded, ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.models import ProviderProfile
from imagegen_core.problems import RefusalCode
from imagegen_core.resolving import ProviderKinds
from imagegen_http.settings.schema import SettingsError

_PROTOCOL_KEYS = frozenset({"preset", "spec", "dialect", "backend", "workflow", "inputs"})
"""With one of these, the file's layer decides the protocol of its provider; else the database's layer may."""


def check_file_providers(kinds: ProviderKinds, configs: Mapping[str, ProviderConfig]) -> list[Message]:
    """Check the file's kinds, presets, documents, dialects and backends, and that it has no unknown keys.

    Returns:
        Warnings: names that look like a mistake, API keys that do not have the provider's form, which a
        saved row may still correct, and providers that have been switched off.

    Raises:
        SettingsError: a setting is not valid; the message names the key.
    """
    warnings = []
    for name, config in configs.items():
        try:
            profile = _profile(kinds, config)
        except ProviderEnded as error:
            warnings += [
                RefusalCode.PROBLEM(field=f"providers.{name}.{p.field}", reason=p.reason)
                for p in error.problems
            ]
            continue
        except ValidationFailed as error:
            raise SettingsError.from_problem(error.problems[0], f"providers.{name}") from error
        misspelt = kinds.misspelt_name(kinds.combine([config]))
        if misspelt is not None:
            reason = RefusalCode.LIKE_ANOTHER(name=misspelt)
            warnings.append(RefusalCode.PROBLEM(field=f"providers.{name}", reason=reason))
        if profile is not None and profile.key_problem is not None:
            field = f"providers.{name}.api_key"
            warnings.append(RefusalCode.PROBLEM(field=field, reason=profile.key_problem))
    return warnings


def _profile(kinds: ProviderKinds, config: ProviderConfig) -> ProviderProfile | None:
    """Return the profile of the file's layer; None where a saved row may name another kind."""
    kind = kinds.combine([config]).kind
    has_protocol = not _PROTOCOL_KEYS.isdisjoint(config.extra_config)
    kinds.check(kind if has_protocol else config.kind, config.extra_config)
    try:
        return kinds.adapters[kind or ""].describe(config)
    except ProviderEnded:
        raise
    except ValidationFailed:
        if has_protocol:
            raise
        return None
