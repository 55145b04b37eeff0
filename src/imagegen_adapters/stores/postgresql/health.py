"""What a server says of itself, for health checks; nothing is written."""

from collections.abc import Mapping
from datetime import timedelta

import attrs

from imagegen_adapters.stores.postgresql.database import (
    DEFAULT_POLICY,
    ConnectionPolicy,
    Database,
    open_connection,
)
from imagegen_adapters.stores.rows import from_timestamp
from imagegen_core.ports.cluster import UPKEEP_SLOT, call_slot
from imagegen_core.ports.tools import Clock

CONNECTIONS_BESIDE_POOL = 1
"""The listener's."""

_SERVER = """
SELECT current_setting('server_version') AS version,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS keeps_commits,
    current_setting('TimeZone') = 'UTC' AND current_setting('statement_timeout') <> '0' AS keeps_settings,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int AS max_connections,
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS now
"""


@attrs.frozen(kw_only=True)
class Inspection:
    """A server as a session with our settings sees it; some poolers drop them (``keeps_settings``).

    ``max_connections`` are those for ordinary users. ``clock_difference`` is how far this machine's clock is
    ahead, to within the time of one request.
    """

    version: str
    synchronous_commit: str
    keeps_commits: bool
    keeps_settings: bool
    max_connections: int
    clock_difference: timedelta


async def inspect(dsn: str, clock: Clock, policy: ConnectionPolicy = DEFAULT_POLICY) -> Inspection:
    async with open_connection(dsn, policy) as connection:
        before = clock.now()
        server = dict(await connection.fetchrow(_SERVER))
        local_time = before + (clock.now() - before) / 2
    return Inspection(clock_difference=local_time - from_timestamp(server.pop("now")), **server)


_NODES = """
SELECT node AS name, host, roles, version, extract(epoch FROM now() - heard_at)::float AS silent_seconds
FROM nodes ORDER BY node
"""

_PLACES = "SELECT resource, min(node) AS node, count(*) AS taken FROM places WHERE granted GROUP BY resource"

_OLDEST = """
SELECT extract(epoch FROM now() - min(created_at))::float AS seconds
FROM tasks WHERE status = 'pending' AND not_before IS NULL
"""


@attrs.frozen(kw_only=True)
class NodeActivity:
    """A node that has not left; a dead one stays for a day."""

    name: str
    host: str
    roles: tuple[str, ...] = attrs.field(converter=tuple)
    version: str
    silent_seconds: float


@attrs.frozen(kw_only=True)
class Activity:
    """``turn`` is the node that maintains the stores; ``calls`` are in flight to each provider.

    ``oldest_pending_seconds``: how long the oldest claimable task has waited; None without one.
    """

    nodes: tuple[NodeActivity, ...]
    turn: str | None
    calls: Mapping[str, int]
    oldest_pending_seconds: float | None


async def read_activity(database: Database) -> Activity:
    async with database.snapshot() as connection:
        nodes, resources = await connection.fetch(_NODES), await connection.fetch(_PLACES)
        oldest = await connection.fetchval(_OLDEST)
    places, calls = {row["resource"]: row for row in resources}, call_slot("")
    return Activity(
        nodes=tuple(NodeActivity(**dict(row)) for row in nodes),
        turn=places[UPKEEP_SLOT]["node"] if UPKEEP_SLOT in places else None,
        calls={n.removeprefix(calls): row["taken"] for n, row in places.items() if n.startswith(calls)},
        oldest_pending_seconds=None if oldest is None else max(0.0, oldest),
    )
