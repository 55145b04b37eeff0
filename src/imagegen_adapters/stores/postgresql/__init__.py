"""A PostgreSQL server that several nodes share."""
