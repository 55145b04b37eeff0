"""The master key that nodes on one PostgreSQL share, with what it seals, and the server's word on itself."""

from collections.abc import Mapping
from datetime import timedelta

import attrs

from imagegen_adapters.secrets import (
    FernetSecretBox,
    KeyCode,
    MasterKeyRefused,
    is_valid_key,
    parse_keys,
    reseal,
)
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.postgresql.database import (
    DEFAULT_POLICY,
    ConnectionPolicy,
    Database,
    open_connection,
)
from imagegen_adapters.stores.rows import from_timestamp
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_core.ports.cluster import UPKEEP_SLOT, call_slot
from imagegen_core.ports.tools import Clock


class PostgresqlMasterKey:
    """Opens the box of a node, whose key must be that of all nodes, and rotates the key.

    No node makes a key or starts with a locked box: the others must open what it seals. Of
    ``environment_keys``, separated by commas, the first one seals, and each opens.
    """

    def __init__(self, database: Database, *, environment_keys: str | None) -> None:
        self._database = database
        self._rows = SqlSealedRows(PostgresqlSql(database))
        self._keys = parse_keys(environment_keys or "")

    async def open_box(self, *, create: bool = True) -> FernetSecretBox:
        """Return the box; the first node may ``create`` the witness. A refused key writes nothing."""
        if not self._keys:
            raise MasterKeyRefused(KeyCode.SHARED_KEY_MISSING())
        if not all(map(is_valid_key, self._keys)):
            raise MasterKeyRefused(KeyCode.MASTER_KEY_MALFORMED())
        box = FernetSecretBox(self._keys)
        witness = await self._witness()
        _check(box, witness or await self._rows.sample())
        if create and witness is None:
            adding = "INSERT INTO master_key_witness (token) VALUES ($1) ON CONFLICT DO NOTHING"
            await self._database.rows(adding, box.new_witness())
            _check(box, await self._witness())  # another node may have been the first
        return box

    async def rotate(self) -> int:
        """Seal every token with the first key; return how many were sealed with another one.

        Nodes may run if all have both keys, the new one first. Otherwise a token that is sealed with the old
        key after this has returned does not open without it.
        """
        if len(self._keys) == 1:
            raise MasterKeyRefused(KeyCode.ONE_KEY_ONLY())
        box = await self.open_box()
        count = await reseal(box, self._rows)
        await self._database.rows("UPDATE master_key_witness SET token = $1", box.new_witness())
        return count

    async def _witness(self) -> str | None:
        row = await self._database.row("SELECT token FROM master_key_witness")
        return None if row is None else str(row["token"])


def _check(box: FernetSecretBox, token: str | None) -> None:
    if token is not None and not box.opens(token):
        raise MasterKeyRefused(KeyCode.OTHER_MASTER_KEY())


# ---------------------------------------------------------------- health checks; nothing is written

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
