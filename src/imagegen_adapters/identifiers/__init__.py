"""Generators of identifiers."""
