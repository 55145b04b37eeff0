"""Idempotency keys, and the tasks that were created with them."""
