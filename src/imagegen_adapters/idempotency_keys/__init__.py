"""Which task an idempotency key made."""
