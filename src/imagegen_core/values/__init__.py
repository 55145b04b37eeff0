"""Values that know nothing of the domain: frozen mappings, valid text, progress."""
