"""Values independent of the domain: frozen mappings, valid text, progress."""
