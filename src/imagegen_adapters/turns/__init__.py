"""One maintenance pass at a time."""
