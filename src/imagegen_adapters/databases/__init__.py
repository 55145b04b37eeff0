"""The database engine, its schema, and its SQL statements."""
