"""Adapters of the `PictureLabel` port."""
