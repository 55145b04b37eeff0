"""What the nodes of a cluster do now, for those who watch over it."""

from collections.abc import Mapping

import attrs

from imagegen_adapters.databases.postgresql.database import Database
from imagegen_adapters.databases.postgresql.places import CALLS, TURN

_NODES = """
SELECT node, host, roles, version, extract(epoch FROM now() - heard_at)::float AS silent_seconds
FROM nodes ORDER BY node
"""

_PLACES = "SELECT resource, min(node) AS node, count(*) AS taken FROM places WHERE granted GROUP BY resource"

_OLDEST = """
SELECT extract(epoch FROM now() - min(created_at))::float AS seconds
FROM tasks WHERE status = 'pending' AND not_before IS NULL
"""


@attrs.frozen(kw_only=True)
class NodeActivity:
    """A node that has not left, with how long it has been silent; a dead one is there for a day."""

    name: str
    host: str
    roles: tuple[str, ...]
    version: str
    silent_seconds: float


@attrs.frozen(kw_only=True)
class Activity:
    """``turn`` is the node that maintains the stores; ``calls`` are in flight to each provider.

    ``oldest_pending_seconds``: how long the oldest task has waited that could run now; None if none waits.
    """

    nodes: tuple[NodeActivity, ...]
    turn: str | None
    calls: Mapping[str, int]
    oldest_pending_seconds: float | None


async def read_activity(database: Database) -> Activity:
    """Return what the nodes do now."""
    async with database.snapshot() as connection:
        nodes, resources = await connection.fetch(_NODES), await connection.fetch(_PLACES)
        oldest = await connection.fetchval(_OLDEST)
    places = [(*row["resource"].split(" ", 1), row) for row in resources]
    return Activity(
        nodes=tuple(
            NodeActivity(
                name=row["node"],
                host=row["host"],
                roles=tuple(row["roles"]),
                version=row["version"],
                silent_seconds=row["silent_seconds"],
            )
            for row in nodes
        ),
        turn=next((row["node"] for kind, _, row in places if kind == TURN), None),
        calls={name: row["taken"] for kind, name, row in places if kind == CALLS},
        oldest_pending_seconds=None if oldest is None else max(0.0, oldest),
    )
