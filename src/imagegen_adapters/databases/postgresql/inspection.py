"""What a server says of itself, for those who check an installation; nothing is written."""

from datetime import timedelta

import asyncpg
import attrs

from imagegen_adapters.databases.json_columns import from_timestamp
from imagegen_adapters.databases.postgresql.errors import storage_errors
from imagegen_adapters.databases.postgresql.policy import DEFAULT_POLICY, ConnectionPolicy
from imagegen_core.ports.clock import Clock

CONNECTIONS_BESIDE_POOL = 1
"""The listener's."""

_SERVER = """
SELECT current_setting('server_version') AS version,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS keeps_commits,
    current_setting('TimeZone') AS time_zone,
    current_setting('statement_timeout') <> '0' AS has_time_outs,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int AS max_connections,
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS now
"""


@attrs.frozen(kw_only=True)
class Inspection:
    """A server, as a session with our settings sees it.

    ``keeps_settings``: the session has them; some poolers drop them. ``max_connections`` are those for
    ordinary users. ``clock_difference`` is how far this machine's clock is ahead of the server's, to within
    the time that one request takes.
    """

    version: str
    synchronous_commit: str
    keeps_commits: bool
    keeps_settings: bool
    max_connections: int
    clock_difference: timedelta


async def inspect(dsn: str, clock: Clock, policy: ConnectionPolicy = DEFAULT_POLICY) -> Inspection:
    """Return what the server says.

    Raises:
        StorageError: it does not answer, or refuses the connection.
    """
    with storage_errors():
        connection = await asyncpg.connect(
            dsn,
            timeout=policy.connect_seconds,
            command_timeout=policy.command_timeout_seconds,
            server_settings=policy.server_settings,
        )
        try:
            before = clock.now()
            (server,) = await connection.fetch(_SERVER)
            local_time = before + (clock.now() - before) / 2
        finally:
            await connection.close(timeout=policy.connect_seconds)
    return Inspection(
        version=server["version"],
        synchronous_commit=server["synchronous_commit"],
        keeps_commits=server["keeps_commits"],
        keeps_settings=server["time_zone"] == "UTC" and server["has_time_outs"],
        max_connections=server["max_connections"],
        clock_difference=local_time - from_timestamp(server["now"]),
    )
