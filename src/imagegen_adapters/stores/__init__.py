"""Stores in a database: SQLite and PostgreSQL, by the same statements wherever these can be the same."""
