"""The shipped documents, one YAML file for each provider."""

import datetime as dt
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import attrs

from imagegen_adapters.providers.http.parsing import parse_document
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.yaml_loaders.libyaml import load_yaml

ALIASES: Mapping[str, str] = MappingProxyType({"openai-dalle": "openai"})
"""Other names of presets that existing configurations use."""


@attrs.frozen(kw_only=True)
class EndedPreset:
    """A preset of an API that its provider has switched off: the day, and the preset to use instead."""

    day: dt.date
    successor: str


ENDED: Mapping[str, EndedPreset] = MappingProxyType(
    {"tencent": EndedPreset(day=dt.date(2026, 9, 30), successor="tokenhub")}
)
"""Presets that existing configurations may still name. Tencent's: its announcement 2405."""


OWN_KINDS = frozenset({"comfyui"})
"""Presets that existing configurations may still name, of providers that have a kind of their own by now."""


class PresetLibrary:
    """Loads the shipped documents, each once and on first use."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None
        self._loaded: dict[str, Document] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all presets, aliases included, sorted."""
        if self._names is None:
            files = (entry.name for entry in resources.files(__name__).iterdir())
            stems = (name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))
            self._names = tuple(sorted({*stems, *ALIASES}))
        return self._names

    def load(self, name: str) -> Document:
        """Return a document.

        Raises:
            KeyError: there is no such preset.
        """
        stem = ALIASES.get(name, name)
        if name not in self.names():
            raise KeyError(name)
        if stem not in self._loaded:
            text = resources.files(__name__).joinpath(f"{stem}.yaml").read_text("utf-8")
            self._loaded[stem] = parse_document(load_yaml(text), f"presets.{stem}")
        return self._loaded[stem]


def preset_names() -> tuple[str, ...]:
    """Return the names of all shipped presets, aliases included, sorted."""
    return PresetLibrary().names()
