"""Conversion of traditional to simplified Chinese."""
