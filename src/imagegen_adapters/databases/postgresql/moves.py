"""Whether a database is complete, or still being filled by the move of a data directory."""

from typing import Any

from imagegen_adapters.databases.schema_versions import MoveUnfinished

_IS_UNFINISHED = "SELECT EXISTS (SELECT FROM moves WHERE finished_at IS NULL)"


async def check_complete(connection: Any) -> None:
    """Check that no move into the database is unfinished.

    Raises:
        MoveUnfinished: there is one.
    """
    if await connection.fetchval(_IS_UNFINISHED):
        raise MoveUnfinished
