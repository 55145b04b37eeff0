"""The shipped documents, one YAML file for each provider."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from imagegen_adapters.providers.http.document import Document
from imagegen_adapters.providers.http.parsing import parse_document
from imagegen_adapters.yaml_loaders.libyaml import load_yaml

ALIASES: Mapping[str, str] = MappingProxyType({"openai-dalle": "openai"})
"""Other names of presets that existing configurations use."""


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
