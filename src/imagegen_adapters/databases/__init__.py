"""Database engines, their schema, and the statements that run on them."""
