"""The façade of the core: all use cases over one set of adapters, and the workers that run tasks."""
