"""Checks of a cluster's database: its server, its nodes and its contents."""

from collections.abc import Mapping
from datetime import timedelta

from imagegen_adapters.secrets import FernetSecretBox, KeyCode, MasterKeyRefused
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.postgresql.database import DEFAULT_POLICY, Database, installation_id
from imagegen_adapters.stores.postgresql.installation import (
    CONNECTIONS_BESIDE_POOL,
    Activity,
    Inspection,
    PostgresqlMasterKey,
    PostgresqlProviderConfigs,
    inspect,
    read_activity,
)
from imagegen_adapters.stores.postgresql.search import index_state
from imagegen_adapters.stores.sql import PostgresqlSql, SchemaTooOld
from imagegen_adapters.system import SystemClock, simplify
from imagegen_core.errors import ImagegenError
from imagegen_http.doctor.checks import Check, CheckCode, fail, ok, stores, tasks, warn
from imagegen_http.settings.schema import WORKER, Settings

_CLOCK_TOLERANCE = timedelta(seconds=5)
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})


async def check_database(settings: Settings, environ: Mapping[str, str]) -> list[Check]:
    """Check the server and, if the schema is this version's, the contents."""
    dsn = settings.database or ""
    try:
        inspection = await inspect(dsn, SystemClock())
        database = await Database.open(dsn, migrating=False)
    except SchemaTooOld as error:
        return [warn("database", error.reason)]
    except ImagegenError as error:
        return [fail("database", error.reason)]
    try:
        return await _open_database(database, inspection, settings, environ)
    except ImagegenError as error:
        return [fail("database", error.reason)]
    finally:
        await database.close()


async def known_installation_id(settings: Settings) -> str | None:
    """Return the nodes' common id; None if the database cannot be read, as `check_database` says."""
    try:
        database = await Database.open(settings.database or "", migrating=False)
    except ImagegenError:
        return None
    try:
        return await installation_id(database)
    finally:
        await database.close()


async def _open_database(
    database: Database, inspection: Inspection, settings: Settings, environ: Mapping[str, str]
) -> list[Check]:
    sql, configs = PostgresqlSql(database), PostgresqlProviderConfigs(database, FernetSecretBox(()))
    activity = await read_activity(database)
    limit = settings.cluster.dead_after_seconds
    alive = tuple(node.name for node in activity.nodes if node.silent_seconds < limit)
    return [
        ok("database", CheckCode.SERVER_OF(version=inspection.version)),
        _durability(inspection),
        _connections(inspection, nodes=max(1, len(alive))),
        _clock(inspection),
        _nodes(activity, alive),
        await _master_key(database, environ),
        *await tasks(sql, has_server=bool(alive)),
        *await stores(sql, configs, await index_state(database, simplify), settings),
    ]


def _durability(inspection: Inspection) -> Check:
    value = inspection.synchronous_commit
    if not inspection.keeps_commits:
        return fail("durability", CheckCode.DISK_NOT_SYNCED())
    if value not in _DURABLE:
        return fail("durability", CheckCode.COMMITS_LOST(value=value))
    return ok("durability", CheckCode.COMMITS_KEPT(value=value))


def _connections(inspection: Inspection, *, nodes: int) -> Check:
    if not inspection.keeps_settings:
        return warn("connections", CheckCode.SETTINGS_DROPPED())
    needed = nodes * (DEFAULT_POLICY.max_connections + CONNECTIONS_BESIDE_POOL)
    maximum = inspection.max_connections
    if needed > maximum:
        return warn("connections", CheckCode.TOO_FEW_CONNECTIONS(nodes=nodes, needed=needed, maximum=maximum))
    return ok("connections", CheckCode.ENOUGH_CONNECTIONS(nodes=nodes, needed=needed, maximum=maximum))


def _clock(inspection: Inspection) -> Check:
    difference = inspection.clock_difference
    if abs(difference) > _CLOCK_TOLERANCE:
        return warn("clock", CheckCode.CLOCKS_DIFFER(seconds=f"{difference.total_seconds():+.1f}"))
    return ok("clock", CheckCode.CLOCKS_AGREE())


def _nodes(activity: Activity, alive: tuple[str, ...]) -> Check:
    described = {
        node.name: f"{node.name} ({node.host} {', '.join(node.roles)} {node.version})"
        for node in activity.nodes
    }
    if silent := tuple(text for name, text in described.items() if name not in alive):
        return warn("nodes", CheckCode.NODES_SILENT(count=len(alive), nodes=silent))
    if not alive:
        return ok("nodes", CheckCode.NO_NODE())
    if not any(WORKER in node.roles for node in activity.nodes):
        return warn("nodes", CheckCode.NO_WORKER(count=len(alive)))
    return ok("nodes", CheckCode.NODES_ALIVE(count=len(alive), nodes=tuple(described.values())))


async def _master_key(database: Database, environ: Mapping[str, str]) -> Check:
    keys = PostgresqlMasterKey(database, environment_keys=environ.get("IMAGEGEN_MASTER_KEY"))
    try:
        box = await keys.open_box(create=False)
    except MasterKeyRefused as error:
        return fail("master key", error.reason)
    tokens = [row.token async for row in SqlSealedRows(PostgresqlSql(database)).all()]
    if not all(box.opens(token) for token in tokens):
        reason = CheckCode.SECRETS_LOCKED(reason=KeyCode.OTHER_MASTER_KEY(), count=len(tokens))
        return fail("master key", reason)
    return ok("master key", CheckCode.SECRETS_OPEN(count=len(tokens)))
