"""Places for calls in flight."""
