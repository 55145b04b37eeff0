"""The id of an installation, which all nodes of a database share."""

from typing import Any

from imagegen_adapters.databases.postgresql.database import Database


async def installation_id(database: Database) -> str:
    """Return the id."""
    async with database.connection() as connection:
        return await read_installation_id(connection)


async def read_installation_id(connection: Any) -> str:
    """Return the id that a connection sees."""
    return str(await connection.fetchval("SELECT id FROM installation"))


async def adopt_installation(database: Database, id_of_source: str) -> None:
    """Go on as the installation with that id, such as one that was moved here."""
    await database.rows("UPDATE installation SET id = $1", id_of_source)
