"""Moves a data directory to PostgreSQL and an archive: tables, then files; both ends are compared."""
