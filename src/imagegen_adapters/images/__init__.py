"""Untrusted images decoded within bounds, and labels embedded in generated ones."""
