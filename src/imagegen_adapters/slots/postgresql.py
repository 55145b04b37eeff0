"""The places of a cluster for calls, in the database that its nodes share."""

from contextlib import AbstractAsyncContextManager

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.databases.postgresql.listener import Listener
from imagegen_adapters.databases.postgresql.places import CALLS, Places
from imagegen_adapters.nodes.postgresql import DEAD_AFTER_SECONDS


class PostgresqlSlots:
    """Each provider is a resource with as many places as it takes calls."""

    def __init__(
        self, database: Database, listener: Listener, *, dead_after_seconds: float = DEAD_AFTER_SECONDS
    ) -> None:
        self._places = Places(database, listener, kind=CALLS, dead_after_seconds=dead_after_seconds)

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return self._places.hold(provider_name, node=node, capacity=limit)
