"""The provider adapters, by kind."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from imagegen_adapters.outbound.client import Outbound
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor


class InstalledProviders(Mapping[str, Provider]):
    """Imports and builds an adapter on first use, to spare services and commands the unused ones."""

    def __init__(self, builders: Mapping[str, Callable[[], Provider]]) -> None:
        self._builders = builders
        self._built: dict[str, Provider] = {}

    def __getitem__(self, kind: str) -> Provider:
        if kind not in self._built:
            self._built[kind] = self._builders[kind]()
        return self._built[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._builders  # `Mapping`'s own would build it

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


def compose_providers(
    clock: Clock, outbound: Outbound, redactor: Redactor | None = None
) -> InstalledProviders:
    return InstalledProviders(
        {
            "demo": partial(_load, "demo.provider:DemoProvider", clock),
            "gemini": partial(_load, "gemini.provider:GeminiProvider", outbound, clock=clock),
            "stable_diffusion": partial(_load, "stability:StableDiffusionProvider", outbound, clock=clock),
            "comfyui": partial(_load, "comfyui.provider:ComfyUIProvider", outbound, clock=clock),
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
