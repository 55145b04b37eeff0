"""The HTTP API under /api/v1: routes, what bodies look like, how errors are answered."""
