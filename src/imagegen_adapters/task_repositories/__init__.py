"""Task repositories."""
