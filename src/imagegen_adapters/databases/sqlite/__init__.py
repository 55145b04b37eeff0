"""One SQLite file: a single writer with group commit beside a few readers."""

from imagegen_adapters.databases.sqlite.database import Database
from imagegen_adapters.databases.sqlite.errors import SchemaTooNew, SchemaTooOld

__all__ = ["Database", "SchemaTooNew", "SchemaTooOld"]
