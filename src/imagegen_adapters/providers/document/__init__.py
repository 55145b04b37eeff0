"""Providers that speak JSON, each described by a document: shipped ones in ``presets/``, and callers' own."""
