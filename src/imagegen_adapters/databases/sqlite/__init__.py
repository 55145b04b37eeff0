"""One SQLite file with a single writer, which commits in groups, and a few readers."""

from imagegen_adapters.databases.schema_versions import SchemaTooNew, SchemaTooOld
from imagegen_adapters.databases.sqlite.database import Database

__all__ = ["Database", "SchemaTooNew", "SchemaTooOld"]
