"""The provider adapters, by kind. Each has its requests (pure), the sending, and its answers (pure)."""

from collections import UserDict
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, cast

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.plugins import PROVIDERS, ForeignProvider, PluginBroken, installed, load
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor


class InstalledProviders(UserDict[str, Any]):
    """Imports and builds an adapter on first use, to spare services and commands the unused ones.

    A kind that is not ours may be another package's: ``build`` makes the adapter of its callable. Such a kind
    is found when it is asked for by name, and not iterated over.
    """

    def __init__(self, own: dict[str, Any], build: Callable[[Any], Any]) -> None:
        super().__init__(own)
        self._build = build
        self._foreign: dict[str, ForeignProvider] = {}

    def __contains__(self, kind: object) -> bool:
        return kind in self.data or (kind != "" and kind in installed(PROVIDERS))

    def __getitem__(self, kind: str) -> Provider:
        if kind not in self.data:
            return cast("Provider", self._foreign.get(kind) or self._load_foreign(kind))
        if callable(self.data[kind]):
            self.data[kind] = self.data[kind]()
        adapter: Provider = self.data[kind]
        return adapter

    def _load_foreign(self, kind: str) -> ForeignProvider:
        if kind not in self:
            raise KeyError(kind)
        try:
            self._foreign[kind] = ForeignProvider(load(PROVIDERS, kind, self._build, Provider))
        except PluginBroken as error:
            self._foreign[kind] = ForeignProvider(None, error.reason)
        return self._foreign[kind]


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
        },
        lambda factory: factory(outbound, clock=clock),
    )


def _load(place: str, *arguments: Any, **named: Any) -> Provider:
    module, _, name = place.partition(":")
    adapter: Provider = getattr(import_module(f"imagegen_adapters.providers.{module}"), name)(
        *arguments, **named
    )
    return adapter
