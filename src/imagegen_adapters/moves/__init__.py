"""Moving a data directory to a database of nodes."""
