"""Providers that speak JSON, each described by a document instead of code.

`HttpProvider` interprets the document, `presets` contains the shipped ones, and
``docs/reference/provider-documents.md`` describes the format.
"""

from imagegen_adapters.providers.http.presets import PresetLibrary, preset_names
from imagegen_adapters.providers.http.provider import HttpProvider

__all__ = ["HttpProvider", "PresetLibrary", "preset_names"]
