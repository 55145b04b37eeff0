"""One SQLite file with a single writer, which commits in groups, and a few readers."""

from imagegen_adapters.databases.sqlite.database import Database
from imagegen_adapters.databases.sqlite.errors import SchemaTooNew, SchemaTooOld

__all__ = ["Database", "SchemaTooNew", "SchemaTooOld"]
