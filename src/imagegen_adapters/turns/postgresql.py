"""The turn of a cluster, in the database that its nodes share."""

from contextlib import AbstractAsyncContextManager

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.databases.postgresql.listener import Listener
from imagegen_adapters.databases.postgresql.places import TURN, Places
from imagegen_adapters.nodes.postgresql import DEAD_AFTER_SECONDS


class PostgresqlTurn:
    """A resource with one place."""

    def __init__(
        self, database: Database, listener: Listener, *, dead_after_seconds: float = DEAD_AFTER_SECONDS
    ) -> None:
        self._places = Places(database, listener, kind=TURN, dead_after_seconds=dead_after_seconds)

    def hold(self, node: str) -> AbstractAsyncContextManager[None]:
        return self._places.hold("maintenance", node=node, capacity=1)
