"""The id of an installation, which all nodes of a database share."""

from imagegen_adapters.databases.postgresql.database import Database


async def installation_id(database: Database) -> str:
    """Return the id."""
    (row,) = await database.rows("SELECT id FROM installation")
    return str(row["id"])


async def adopt_installation(database: Database, id_of_source: str) -> None:
    """Go on as the installation with that id, such as one that was moved here."""
    await database.rows("UPDATE installation SET id = $1", id_of_source)
