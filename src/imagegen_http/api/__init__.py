"""The HTTP API under /api/v1: routes, bodies, answers, and its OpenAPI document."""
