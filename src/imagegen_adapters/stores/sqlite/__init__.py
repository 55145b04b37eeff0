"""One SQLite file with a single writer, which commits in groups, and a few readers."""
