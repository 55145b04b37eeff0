"""Adapters of the `SecretBox` port."""
