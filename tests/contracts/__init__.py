"""Contract suites to subclass, one per port; they are for third-party adapters as well."""
