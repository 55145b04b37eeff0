"""Each start of the service by name, so that what a dead one held can be told from what is held now."""

from datetime import datetime

from imagegen_adapters.databases import statements
from imagegen_adapters.databases.json_columns import to_timestamp
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3


async def register_instance(database: Database, owner: str, now: datetime) -> None:
    """Note that ``owner`` started; only the latest hundred starts are kept."""

    def insert(connection: sqlite3.Connection) -> None:
        connection.execute(statements.INSERT_INSTANCE, {"owner": owner, "started_at": to_timestamp(now)})
        connection.execute(statements.PURGE_INSTANCES)

    await database.write(insert)
