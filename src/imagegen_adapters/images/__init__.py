"""Untrusted images decoded within bounds, and labels embedded in those that were made."""
