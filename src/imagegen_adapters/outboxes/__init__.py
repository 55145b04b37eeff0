"""Where the work on other stores waits: memory or SQLite."""
