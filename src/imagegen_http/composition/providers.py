"""The provider adapters."""

from collections.abc import Mapping

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.gemini import GeminiProvider
from imagegen_adapters.providers.http import HttpProvider, PresetLibrary
from imagegen_adapters.providers.stable_diffusion import StableDiffusionProvider
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Provider
from imagegen_core.problems import RefusalCode
from imagegen_core.providers.config import ConfigSource, ProviderConfig, combine
from imagegen_core.providers.unknown_keys import unknown_extra_keys
from imagegen_http.answers.providers import Model, Preset
from imagegen_http.settings.schema import SettingsError

_PROTOCOL_KEYS = frozenset({"preset", "spec", "dialect", "backend"})
"""With one of these, the file's layer decides the protocol of its provider; else the database's layer may."""


def compose_providers(clock: Clock, outbound: Outbound, presets: PresetLibrary) -> dict[str, Provider]:
    """Return the provider adapters by kind."""
    return {
        "demo": DemoProvider(clock),
        "gemini": GeminiProvider(outbound, clock=clock),
        "stable_diffusion": StableDiffusionProvider(outbound),
        "http": HttpProvider(outbound=outbound, presets=presets, clock=clock),
    }


def check_file_providers(
    providers: Mapping[str, Provider], configs: Mapping[str, ProviderConfig]
) -> list[Message]:
    """Check the file's presets, documents, dialects and backends, and that it has no unknown keys.

    Returns:
        Warnings about what a saved row may still correct: API keys that do not have the provider's form.

    Raises:
        SettingsError: a setting is not valid; the message names the key.
    """
    warnings = []
    for name, config in configs.items():
        for problem in unknown_extra_keys(config.extra_config, _allowed_extra_keys(providers, config)):
            raise SettingsError.from_problem(problem, f"providers.{name}")
        try:
            profile = providers[combine([config]).kind or ""].describe(config)
        except ValidationFailed as error:
            if not _PROTOCOL_KEYS & config.extra_config.keys():
                continue
            raise SettingsError.from_problem(error.problems[0], f"providers.{name}") from error
        if profile.key_problem is not None:
            field = f"providers.{name}.api_key"
            warnings.append(RefusalCode.PROBLEM(field=field, reason=profile.key_problem))
    return warnings


def _allowed_extra_keys(providers: Mapping[str, Provider], config: ProviderConfig) -> frozenset[str]:
    """Return the keys that ``extra_config`` may have: those of all kinds if a saved row may name the kind."""
    if config.kind is not None or _PROTOCOL_KEYS & config.extra_config.keys():
        return providers[combine([config]).kind or ""].extra_keys
    return frozenset().union(*(provider.extra_keys for provider in providers.values()))


def describe_presets(providers: dict[str, Provider], presets: PresetLibrary) -> list[Preset]:
    """Return a description of each shipped preset: a declarative provider that only needs a key."""
    shown = []
    for name in presets.names():
        config = ProviderConfig(
            provider_name=name, kind="http", source=ConfigSource.FILE, extra_config={"preset": name}
        )
        profile = providers["http"].describe(config)
        shown.append(
            Preset(
                name=name,
                display_name=presets.load(name).name,
                api_base=profile.default_api_base,
                needs_api_key=profile.needs_api_key,
                models=[Model.from_model(model) for model in profile.models],
            )
        )
    return shown
