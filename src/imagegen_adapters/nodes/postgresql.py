"""The nodes of a cluster as rows of the database that they share, by its time."""

from imagegen_adapters.databases.postgresql import Database

DEAD_AFTER_SECONDS = 60.0

_BEAT = """
WITH forgotten AS (
    DELETE FROM nodes WHERE node IN (
        SELECT node FROM nodes
        WHERE heard_at < now() - interval '1 day'
            AND node NOT IN (SELECT alive_nodes($1, make_interval(secs => $2)))
        FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO nodes AS known (node, heard_at, can_tell_from, host, roles, version)
VALUES ($1, now(), now() + make_interval(secs => $2), $3, $4, $5)
ON CONFLICT (node) DO UPDATE SET heard_at = greatest(known.heard_at, excluded.heard_at),
    can_tell_from = CASE WHEN known.heard_at < now() - make_interval(secs => $2) / 2
        THEN excluded.can_tell_from ELSE known.can_tell_from END
"""

_ALIVE = "SELECT alive_nodes($1, make_interval(secs => $2)) AS node"

_LEAVE = "DELETE FROM nodes WHERE node = $1"


class PostgresqlNodes:
    """The ``nodes`` table; who has been silent for ``dead_after_seconds`` is dead.

    Beats that lie more than half of it apart are a gap: after a longer outage, nodes that are about to be
    heard again could look dead. For those who watch over the cluster, a node has the name of its
    ``host``, its ``roles`` and the ``version`` of its program.
    """

    def __init__(
        self,
        database: Database,
        *,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        host: str = "",
        roles: tuple[str, ...] = (),
        version: str = "",
    ) -> None:
        self._database = database
        self._dead_after = dead_after_seconds
        self._description = host, roles, version

    async def join(self, node: str) -> None:
        await self.beat(node)

    async def beat(self, node: str) -> None:
        await self._database.rows(_BEAT, node, self._dead_after, *self._description)

    async def alive(self, observer: str) -> frozenset[str]:
        rows = await self._database.rows(_ALIVE, observer, self._dead_after)
        return frozenset(row["node"] for row in rows)

    async def leave(self, node: str) -> None:
        await self._database.rows(_LEAVE, node)
