"""Providers that speak JSON, each described by a document instead of code.

`HttpProvider` interprets the document, `presets` contains the shipped ones, and
``docs/reference/provider-documents.md`` describes the format.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_adapters.providers.http.presets import PresetLibrary, preset_names
    from imagegen_adapters.providers.http.provider import HttpProvider

__all__ = ["HttpProvider", "PresetLibrary", "preset_names"]


def __getattr__(name: str) -> Any:
    """Load the adapter once it is asked for; its messages are needed without it, too."""
    if name not in __all__:
        raise AttributeError(name)
    module = "provider" if name == "HttpProvider" else "presets"
    return getattr(import_module(f"{__name__}.{module}"), name)
