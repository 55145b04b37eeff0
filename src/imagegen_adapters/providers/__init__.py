"""The provider adapters, by kind. Each has its requests (pure), the sending, and its answers (pure)."""

from collections import UserDict
from functools import partial
from importlib import import_module
from typing import Any

from imagegen_adapters.outbound.client import Outbound
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor


class InstalledProviders(UserDict[str, Any]):
    """Imports and builds an adapter on first use, to spare services and commands the unused ones."""

    def __getitem__(self, kind: str) -> Provider:
        if callable(self.data[kind]):
            self.data[kind] = self.data[kind]()
        adapter: Provider = self.data[kind]
        return adapter


def compose_providers(
    clock: Clock, outbound: Outbound, redactor: Redactor | None = None
) -> InstalledProviders:
    return InstalledProviders(
        {
            "demo": partial(_load, "demo.provider:DemoProvider", clock),
            "gemini": partial(_load, "gemini.provider:GeminiProvider", outbound, clock=clock),
            "stable_diffusion": partial(_load, "stability:StableDiffusionProvider", outbound, clock=clock),
            "comfyui": partial(_load, "comfyui:ComfyUIProvider", outbound, clock=clock),
            "http": partial(
                _load, "document.provider:HttpProvider", outbound, clock=clock, redactor=redactor
            ),
        }
    )


def _load(place: str, *arguments: Any, **named: Any) -> Provider:
    module, _, name = place.partition(":")
    adapter: Provider = getattr(import_module(f"imagegen_adapters.providers.{module}"), name)(
        *arguments, **named
    )
    return adapter
