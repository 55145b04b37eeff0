"""Watching how much the disk can still take."""
