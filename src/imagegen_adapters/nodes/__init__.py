"""Which processes are alive."""
