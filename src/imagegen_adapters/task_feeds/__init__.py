"""Feeds of changed tasks."""
