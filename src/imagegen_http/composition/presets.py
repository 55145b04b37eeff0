"""The providers that are known, for whoever wants to configure one."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.ports.provider import Provider
from imagegen_http.runtime.service import ShippedProvider

if TYPE_CHECKING:  # each adapter takes a moment to load, and most services use one
    from imagegen_adapters.providers.document.provider import HttpProvider


def describe_presets(providers: Mapping[str, Provider], today: dt.date) -> list[ShippedProvider]:
    """Return a description of each provider that is known, by its name for people."""
    shown = [*_with_adapters(), *_with_documents(cast("HttpProvider", providers["http"]), today)]
    return sorted(shown, key=lambda preset: preset.display_name.casefold())


def _with_adapters() -> Iterator[ShippedProvider]:
    """Yield those with an adapter of their own, which is not loaded to say this."""

    def preset(
        name: str, kind: str, display_name: str, *, needs_api_key: bool, **extra: str
    ) -> ShippedProvider:
        return ShippedProvider(
            name=name,
            kind=kind,
            extra_config=extra,
            display_name=display_name,
            needs_api_base=not needs_api_key,
            needs_api_key=needs_api_key,
        )

    yield preset("gemini", "gemini", "Google Gemini", needs_api_key=True)
    yield preset("stability", "stable_diffusion", "Stability AI", needs_api_key=True, dialect="stability")
    yield preset("stable-diffusion", "stable_diffusion", "Stable Diffusion WebUI", needs_api_key=False)
    yield preset("comfyui", "comfyui", "ComfyUI", needs_api_key=False)


def _with_documents(provider: "HttpProvider", today: dt.date) -> Iterator[ShippedProvider]:
    for name in provider.presets.names():
        extra = {"preset": name}
        config = ProviderConfig(provider_name=name, kind="http", source=ConfigSource.FILE, extra_config=extra)
        profile = provider.describe(config).with_default_on(today)
        yield ShippedProvider(
            name=name,
            kind="http",
            extra_config=extra,
            display_name=profile.display_name or name,
            api_base=profile.default_api_base,
            needs_api_base=profile.needs_api_base,
            needs_api_key=profile.needs_api_key,
            models=profile.models,
        )
