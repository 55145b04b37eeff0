"""Whether a database is complete, or still being filled by the move of a data directory."""

from typing import Any

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_core.errors import StorageBroken

_IS_UNFINISHED = "SELECT EXISTS (SELECT FROM moves WHERE finished_at IS NULL)"


class MoveUnfinished(StorageBroken):
    """The database holds a part of a data directory; a node that worked on it would do harm."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.MOVE_UNFINISHED())


async def check_complete(connection: Any) -> None:
    """Check that no move into the database is unfinished.

    Raises:
        MoveUnfinished: there is one.
    """
    if await connection.fetchval(_IS_UNFINISHED):
        raise MoveUnfinished
