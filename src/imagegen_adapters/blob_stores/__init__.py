"""Blob stores: memory, a local directory, and a local store backed by an archive."""
