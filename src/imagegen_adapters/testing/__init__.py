"""Contract suites: one a port, to subclass; usable for adapters that live elsewhere."""
