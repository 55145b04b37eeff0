"""A PostgreSQL database: a pool of connections, the schema, and what its errors mean."""

from imagegen_adapters.databases.postgresql.database import Connection, Database, Row
from imagegen_adapters.databases.postgresql.policy import ConnectionPolicy

__all__ = ["Connection", "ConnectionPolicy", "Database", "Row"]
