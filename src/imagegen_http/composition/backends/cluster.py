"""A cluster: PostgreSQL, which its nodes share; the data directory is this node's scratch space."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from socket import gethostname

import structlog

from imagegen_adapters.simplify import simplify
from imagegen_adapters.stores.directory import COPIES_DIRECTORY, DataDirectory
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.postgresql.cluster import (
    PostgresqlNodes,
    PostgresqlPeers,
    PostgresqlSlots,
    PostgresqlTurn,
)
from imagegen_adapters.stores.postgresql.database import Database, installation_id
from imagegen_adapters.stores.postgresql.files import PostgresqlBlobStore, PostgresqlSpool
from imagegen_adapters.stores.postgresql.health import read_activity
from imagegen_adapters.stores.postgresql.keys import PostgresqlMasterKey, PostgresqlProviderConfigs
from imagegen_adapters.stores.postgresql.listener import Listener
from imagegen_adapters.stores.postgresql.search import (
    PostgresqlIndex,
    index_state,
    postgresql_gallery,
    reindex,
)
from imagegen_adapters.stores.postgresql.tasks import CANCELLATIONS, PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_core.ports.blobs import RunningChecksum
from imagegen_core.ports.tools import Clock
from imagegen_http.composition.backends.backend import Backend
from imagegen_http.health import ClusterHealth, NodeHealth, ProviderCalls
from imagegen_http.settings.schema import Settings

_REMOVALS = "removals"
"""The topic of hints that an image was deleted, whose bytes the nodes that run tasks remove."""

_log = structlog.get_logger("imagegen.composition")


@asynccontextmanager
async def open_backend(
    settings: Settings,
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    version: str,
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None,
) -> AsyncIterator[Backend]:
    """Connect to the database of the settings, and migrate its schema."""
    if directory.database.exists():
        _log.warning(
            "the data directory has a database that is not used here: `imagegen migrate` moves it",
            path=str(directory.database),
        )
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database or "")
        stack.push_async_callback(database.close)
        keys = environ.get("IMAGEGEN_MASTER_KEY")
        box = await PostgresqlMasterKey(database, environment_keys=keys).open_box()
        listener = Listener(database)
        stack.push_async_callback(listener.close)
        listener.start()
        copies = directory.path / COPIES_DIRECTORY
        spool = PostgresqlSpool(database, copies, clock=clock, copies_puts=settings.runs_tasks)
        await spool.sweep_temporary()
        dead_after = settings.cluster.dead_after_seconds
        yield Backend(
            tasks=PostgresqlTasks(database, listener, simplify=simplify),
            queue=PostgresqlQueue(database, listener),
            nodes=PostgresqlNodes(
                database,
                dead_after_seconds=dead_after,
                host=gethostname(),
                roles=settings.roles,
                version=version,
            ),
            slots=PostgresqlSlots(database, listener, dead_after_seconds=dead_after),
            turn=PostgresqlTurn(database, listener, dead_after_seconds=dead_after),
            images=postgresql_gallery(database),
            marks=SqlMarks(PostgresqlSql(database), PostgresqlIndex()),
            installation_id=partial(installation_id, database),
            index_state=partial(index_state, database, simplify),
            reindex=partial(reindex, database, simplify),
            outbox=SqlOutbox(PostgresqlSql(database)),
            blobs=PostgresqlBlobStore(database, checksum=checksum),
            spool=spool,
            configs=PostgresqlProviderConfigs(database, box),
            box=box,
            hear_cancellations=partial(listener.hear, CANCELLATIONS),
            hear_removals=partial(listener.hear, _REMOVALS),
            tell_removal=partial(listener.notify, _REMOVALS),
            peers=PostgresqlPeers(listener),
            cluster=partial(_health, database, dead_after),
        )


async def rotate_keys(url: str, environment_keys: str | None) -> int:
    """Seal every saved secret with the first of the keys; nodes may run meanwhile, if they have both.

    Returns:
        How many saved secrets were sealed again.
    """
    database = await Database.open(url)
    try:
        return await PostgresqlMasterKey(database, environment_keys=environment_keys).rotate()
    finally:
        await database.close()


async def _health(database: Database, dead_after_seconds: float, node: str) -> ClusterHealth:
    activity = await read_activity(database)
    return ClusterHealth(
        node=node,
        nodes=[
            NodeHealth(
                name=other.name,
                roles=[*other.roles],
                version=other.version,
                silent_seconds=round(other.silent_seconds, 3),
                alive=other.silent_seconds < dead_after_seconds,
            )
            for other in activity.nodes
        ],
        turn=activity.turn,
        calls=[ProviderCalls(provider=name, calls=calls) for name, calls in activity.calls.items()],
        oldest_pending_seconds=activity.oldest_pending_seconds,
    )
