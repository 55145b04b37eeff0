"""Checks of an installation that change nothing."""
