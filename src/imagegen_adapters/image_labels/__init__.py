"""Adapters of the `ImageLabel` port."""
