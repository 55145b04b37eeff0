"""Backing up a data directory to one file, and restoring it."""
