"""Adapters of the `UpstreamGuard` port."""
