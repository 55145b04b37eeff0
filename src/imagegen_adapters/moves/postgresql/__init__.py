"""Moving a data directory to PostgreSQL and an archive."""
