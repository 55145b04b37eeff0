"""Lineages: which images were made from which."""
