"""Threads for blocking calls."""
