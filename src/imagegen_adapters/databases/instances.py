"""Records each start of the service, so that tasks claimed by an earlier process can be recognised."""

from datetime import datetime

from imagegen_adapters.databases import statements
from imagegen_adapters.databases.json_columns import to_timestamp
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3


async def register_instance(database: Database, owner: str, now: datetime) -> None:
    """Record the start of ``owner``; only the latest 100 starts are kept."""

    def insert(connection: sqlite3.Connection) -> None:
        connection.execute(statements.INSERT_INSTANCE, {"owner": owner, "started_at": to_timestamp(now)})
        connection.execute(statements.PURGE_INSTANCES)

    await database.writer.write(insert)
