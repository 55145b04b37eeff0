"""Providers that speak JSON, each described by a document instead of code.

`HttpProvider` reads the document, `presets` has those that are shipped, and
``docs/reference/provider-documents.md`` tells what may stand in one.
"""

from imagegen_adapters.providers.http.presets import PresetLibrary, preset_names
from imagegen_adapters.providers.http.provider import HttpProvider

__all__ = ["HttpProvider", "PresetLibrary", "preset_names"]
