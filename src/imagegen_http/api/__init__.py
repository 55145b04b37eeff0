"""The HTTP API below /api/v1: a file for each resource, and what they share."""
