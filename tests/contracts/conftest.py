"""The stores under test: objects whose attributes are adapters of ports, each with the ports that it has.

A test asks for a port by its fixture and runs once for each store that has it. ``--store=module:factory``
names a store of your own instead: the factory takes a directory and returns an asynchronous context manager
that yields the object. What it has no attribute for is skipped.
"""

import contextlib
import hashlib
import importlib
import itertools
from functools import cached_property
from types import SimpleNamespace

import pytest

from imagegen_adapters.archives.oss import Crc64, OssBlobArchive
from imagegen_adapters.archives.s3 import S3BlobArchive, S3Etag, S3Settings
from imagegen_adapters.files.cache import ArchiveFirstBlobStore, CachedBlobStore, RecentBlobs, TieredBlobStore
from imagegen_adapters.files.local import LocalBlobStore, LocalSpool
from imagegen_adapters.images.inspector import SubprocessInspector, ThreadInspector
from imagegen_adapters.memory import MemoryBlobStore, MemorySpool
from imagegen_adapters.secrets import FernetSecretBox, MemorySecretBox
from imagegen_adapters.stores.batches import SqlBatches
from imagegen_adapters.stores.configs import CachedProviderConfigs, SqlProviderConfigs
from imagegen_adapters.stores.gallery import SqlGallery
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.postgresql.cluster import DEAD_AFTER_SECONDS, Listener, PostgresqlCluster
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.files import PostgresqlBlobStore, PostgresqlSpool
from imagegen_adapters.stores.postgresql.search import PostgresqlIndex
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.stores.postgresql.tasks import task_addition as postgresql_task_addition
from imagegen_adapters.stores.sql import PostgresqlSql, SqliteSql
from imagegen_adapters.stores.sqlite.database import Database as SqliteDatabase
from imagegen_adapters.stores.sqlite.search import SqliteIndex
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.stores.sqlite.tasks import task_addition as sqlite_task_addition
from imagegen_adapters.stores.trash import SqlTrash
from imagegen_adapters.stores.webhooks import SqlWebhooks
from imagegen_adapters.system import OneNode, SystemClock, simplify
from imagegen_core.secrets import Redactor, Secret
from tests.contracts.clock import ManualClock
from tests.contracts.memory import MemoryBlobArchive, MemoryCluster
from tests.fakes import s3_servers
from tests.fakes.faulty_proxy import FaultyProxy
from tests.fakes.oss import FakeOss, crc64
from tests.integration.oss_settings import settings_of

DATABASE = "tasks queue batches bus records marks trash outbox webhooks configs"

STORES = {
    "memory": f"{DATABASE} config_box cluster peers pass_time blobs spool clock box stranger locked_box",
    "sqlite": f"{DATABASE} rows config_box",
    "postgresql": f"{DATABASE} rows config_box blobs spool clock",
    "files": "blobs spool clock box stranger locked_box",
    "one_process": "cluster",
    "three_processes": "cluster peers pass_time",
    "two_nodes": "tasks bus",
    "without_hints": "tasks bus",
    "cached": "blobs",
    "cached_without_room": "blobs",
    "recent": "blobs",
    "tiered": "blobs",
    "archive_first": "blobs",
    "archive_in_memory": "blobs archive checksum outage",
    "oss": "blobs archive checksum outage",
    "s3_on_moto": "blobs archive checksum outage",
    "s3_on_localbucket": "blobs archive checksum outage",
    "in_thread": "inspector",
    "subprocess": "inspector",
}
"""Each store, which is the fixture of that name, and its attributes that a test can ask for."""

BUSES = {"two_nodes", "without_hints"}
"""Stores whose tasks are there for the sake of their events."""

MARKS = {
    **dict.fromkeys(("postgresql", "two_nodes", "without_hints", "s3_on_moto"), pytest.mark.thorough),
    **dict.fromkeys(("three_processes", "s3_on_localbucket"), pytest.mark.one_python),
}
"""Stores that start a server."""

PORTS = dict.fromkeys(("repository", "keys", "feed", "ledger"), "tasks") | {
    name: name for text in STORES.values() for name in text.split()
}
"""The fixtures of tests, by the attribute of a store that each of them is."""


def pytest_generate_tests(metafunc):
    """Run a test over each store that has the ports that it asks for, or over the one that was named."""
    if "store" not in metafunc.fixturenames:
        return
    if metafunc.config.getoption("store"):
        metafunc.parametrize("store", ["own"], indirect=True)
        return
    requested = {PORTS[name] for name in metafunc.fixturenames if name in PORTS}
    names = [
        name
        for name, ports in STORES.items()
        if requested <= set(ports.split()) and ("bus" in requested or name not in BUSES)
    ]
    metafunc.parametrize(
        "store", [pytest.param(name, marks=MARKS.get(name, ())) for name in names], indirect=True
    )


@pytest.fixture
def store(request):
    """Return the store under test."""
    return request.getfixturevalue(f"{request.param}_store")


def _port(name, attribute):
    @pytest.fixture(name=name)
    def port(store):
        if not hasattr(store, attribute):
            pytest.skip(f"the store has no {attribute}")
        return getattr(store, attribute)

    return port


globals().update({f"port_{name}": _port(name, attribute) for name, attribute in PORTS.items()})


@pytest.fixture
def raw_reader(store):
    """Return a function that reads a blob's bytes without the store; None if there is no such way."""
    return getattr(store, "raw_reader", None)


@pytest.fixture
async def own_store(request, anyio_backend, tmp_path):
    """Yield what the factory on the command line makes."""
    module, _, name = request.config.getoption("store").partition(":")
    async with getattr(importlib.import_module(module), name)(tmp_path) as store:
        yield store


def _real_clock():
    """Return a clock that starts at the real time: file systems have clocks of their own."""
    return ManualClock(SystemClock().now())


def _sqlite_ports(database):
    """Return the ports that SQLite has in a file and in memory."""
    return {
        "tasks": SqliteTasks(database, simplify=simplify),
        "queue": SqliteQueue(database),
        "batches": SqlBatches(SqliteSql(database), sqlite_task_addition),
        "bus": SqliteQueue(database),
        "records": SqlGallery(SqliteSql(database), SqliteIndex()),
        "marks": SqlMarks(SqliteSql(database), SqliteIndex()),
        "trash": SqlTrash(SqliteSql(database), SqliteIndex(), simplify),
        "outbox": SqlOutbox(SqliteSql(database)),
        "webhooks": SqlWebhooks(SqliteSql(database), MemorySecretBox(), Redactor()),
    }


@pytest.fixture
def memory_store():
    database, clock, nodes_clock = SqliteDatabase.in_memory(), _real_clock(), ManualClock()
    blobs, box = MemoryBlobStore(), MemorySecretBox()
    cluster = MemoryCluster(nodes_clock, dead_after_seconds=60, poll_seconds=0.0)

    async def pass_time(share):
        nodes_clock.advance(60 * share)

    return SimpleNamespace(
        **_sqlite_ports(database),
        configs=CachedProviderConfigs(SqliteSql(database), box),
        config_box=box,
        cluster=cluster,
        peers=cluster,
        pass_time=pass_time,
        blobs=blobs,
        raw_reader=blobs.blobs.get,
        spool=MemorySpool(clock),
        clock=clock,
        box=box,
        stranger=MemorySecretBox(),
        locked_box=MemorySecretBox(locked=True),
    )


@pytest.fixture
async def sqlite_store(tmp_path):
    database, box = SqliteDatabase.open(tmp_path / "imagegen.db"), MemorySecretBox()

    async def rows(statement):
        def run(connection):
            return [tuple(row) for row in connection.execute(statement).fetchall()]

        return await (database.read if statement.startswith("SELECT") else database.writer.write)(run)

    yield SimpleNamespace(
        **_sqlite_ports(database),
        configs=CachedProviderConfigs(SqliteSql(database), box),
        config_box=box,
        rows=rows,
    )
    await database.close()


@pytest.fixture
def postgresql_store(postgresql, postgresql_dsn, postgresql_database, tmp_path):
    database, box, clock = postgresql_database, MemorySecretBox(), _real_clock()

    async def rows(statement):
        return [tuple(row) for row in await database.rows(statement)]

    def raw_reader(key):
        chunks = "SELECT string_agg(content, '' ORDER BY starts_at) FROM file_chunks"
        content = f"({chunks} WHERE file_id = files.file_id)"
        select = f"SELECT encode(coalesce({content}, ''), 'hex') FROM files WHERE key = '{key}'"  # noqa: S608 - a key of the suite
        lines = postgresql.run(select, postgresql_dsn.partition("?")[0].rpartition("/")[2])
        return bytes.fromhex(lines[0]) if lines else None

    return SimpleNamespace(
        tasks=PostgresqlTasks(database, simplify=simplify),
        queue=PostgresqlQueue(database),
        batches=SqlBatches(PostgresqlSql(database), postgresql_task_addition),
        bus=PostgresqlQueue(database, Listener(database)),
        records=SqlGallery(PostgresqlSql(database), PostgresqlIndex()),
        marks=SqlMarks(PostgresqlSql(database), PostgresqlIndex()),
        trash=SqlTrash(PostgresqlSql(database), PostgresqlIndex(), simplify),
        outbox=SqlOutbox(PostgresqlSql(database)),
        webhooks=SqlWebhooks(PostgresqlSql(database), box, Redactor()),
        configs=SqlProviderConfigs(PostgresqlSql(database), box),
        config_box=box,
        blobs=PostgresqlBlobStore(database),
        raw_reader=raw_reader,
        spool=PostgresqlSpool(database, tmp_path / "spool", clock=clock),
        clock=clock,
        rows=rows,
    )


@contextlib.asynccontextmanager
async def _a_node(dsn):
    """Yield a database and a listener of a process."""
    database = await Database.open(dsn)
    listener = Listener(database)
    listener.start()
    await listener.connected()
    try:
        yield database, listener
    finally:
        await listener.close()
        await database.close()


class EachNode:
    """A cluster as several nodes see it, each with a database and a listener of its own."""

    def __init__(self, clusters):
        self.clusters = clusters
        first, *_, last = clusters.values()
        self.beat, self.alive, self.leave = first.beat, first.alive, first.leave
        self.tell, self.hear = first.tell, last.hear

    def slot(self, name, *, node, limit):
        return self.clusters[node].slot(name, node=node, limit=limit)


@pytest.fixture
async def three_processes_store(postgresql_database, postgresql_dsn):
    """Nodes a, b and c over PostgreSQL."""
    database = postgresql_database

    async def pass_time(share):
        await database.rows(
            "UPDATE nodes SET heard_at = heard_at - make_interval(secs => $1), "
            "can_tell_from = can_tell_from - make_interval(secs => $1)",
            DEAD_AFTER_SECONDS * share,
        )

    async with contextlib.AsyncExitStack() as stack:
        processes = {node: await stack.enter_async_context(_a_node(postgresql_dsn)) for node in "abc"}
        cluster = EachNode({node: PostgresqlCluster(*process) for node, process in processes.items()})
        yield SimpleNamespace(cluster=cluster, peers=cluster, pass_time=pass_time)


class _TwoNodes:
    """A bus that is published to at one node and subscribed to at another."""

    def __init__(self, publisher, subscriber):
        self.publish, self.notify = publisher.publish, publisher.notify
        self.events, self.last_event_id = subscriber.events, subscriber.last_event_id
        self.follow = subscriber.follow


@pytest.fixture
async def two_nodes_store(postgresql_database, postgresql_dsn):
    """Events from one node to another."""
    async with _a_node(postgresql_dsn) as first, _a_node(postgresql_dsn) as second:
        yield SimpleNamespace(
            tasks=PostgresqlTasks(postgresql_database, simplify=simplify),
            bus=_TwoNodes(PostgresqlQueue(*first), PostgresqlQueue(*second)),
        )


@pytest.fixture
async def without_hints_store(postgresql_database, postgresql_dsn):
    """Events from one node to another that hears nothing of it."""
    async with _a_node(postgresql_dsn) as first:
        deaf = PostgresqlQueue(postgresql_database, Listener(postgresql_database))
        yield SimpleNamespace(
            tasks=PostgresqlTasks(postgresql_database, simplify=simplify),
            bus=_TwoNodes(PostgresqlQueue(*first), deaf),
        )


class _Files:
    """What one machine keeps on its disk."""

    def __init__(self, folder):
        self.clock = _real_clock()
        self.blobs = LocalBlobStore(folder / "blobs", checksum=Crc64)
        self.spool = LocalSpool(folder / "spool", folder / "kept", clock=self.clock)
        self._folder = folder

    def raw_reader(self, key):
        path = self.blobs.root / key
        return path.read_bytes() if path.exists() else None

    def _box(self, name, **sample):
        (self._folder / name).mkdir()
        return FernetSecretBox.for_directory(self._folder / name, environment_keys=None, **sample)

    @cached_property
    def box(self):
        return self._box("box", sample=None)

    @cached_property
    def stranger(self):
        return self._box("stranger", sample=None)

    @cached_property
    def locked_box(self):
        return self._box("locked", sample="sealed under a key that is missing now")


@pytest.fixture
def files_store(tmp_path):
    store = _Files(tmp_path)
    yield store
    store.blobs.close()


@pytest.fixture
def one_process_store():
    """The only node, which is alive as long as it asks and dies as a whole."""
    return SimpleNamespace(cluster=OneNode())


@pytest.fixture
def cached_store(tmp_path):
    far, files = MemoryBlobStore({}), LocalBlobStore(tmp_path / "cache", is_synced=False)
    blobs = CachedBlobStore(far, files, max_bytes=4 * 1024 * 1024, has_room=lambda: True)
    yield SimpleNamespace(blobs=blobs, raw_reader=far.blobs.get)
    files.close()


@pytest.fixture
def recent_store(tmp_path):
    files = LocalBlobStore(tmp_path / "recent", is_synced=False)
    yield SimpleNamespace(blobs=RecentBlobs(files, max_bytes=4 * 1024 * 1024, has_room=lambda: True))
    files.close()


@pytest.fixture
def cached_without_room_store(tmp_path):
    files = LocalBlobStore(tmp_path / "cache", is_synced=False)
    far = MemoryBlobStore({})
    yield SimpleNamespace(blobs=CachedBlobStore(far, files, max_bytes=1000, has_room=lambda: False))
    files.close()


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


@pytest.fixture
async def oss_store(oss):
    @contextlib.contextmanager
    def outage():
        oss.down()
        yield
        oss.up()

    def raw_reader(key):
        stored = oss.objects.get(f"team/a/{key}")
        return stored and stored.data

    archive = OssBlobArchive(settings_of(oss))
    yield SimpleNamespace(
        blobs=archive,
        archive=archive,
        checksum=lambda data: str(crc64(data)),
        outage=outage,
        raw_reader=raw_reader,
    )
    oss.release()
    await archive.aclose()


@pytest.fixture
def tiered_store(oss_store, tmp_path):
    """The disk first, OSS behind it."""
    local = LocalBlobStore(tmp_path / "images")

    def raw_reader(key):
        path = local.root / key
        return path.read_bytes() if path.exists() else None

    yield SimpleNamespace(
        blobs=TieredBlobStore(local=local, archive=oss_store.archive), raw_reader=raw_reader
    )
    local.close()


@pytest.fixture
def archive_first_store(tiered_store, oss_store):
    """Straight to OSS."""
    blobs = ArchiveFirstBlobStore(local=tiered_store.blobs.local, archive=oss_store.archive)
    return SimpleNamespace(blobs=blobs, raw_reader=oss_store.raw_reader)


@pytest.fixture
def archive_in_memory_store():
    archive = MemoryBlobArchive()

    @contextlib.contextmanager
    def outage():
        archive.reachable = False
        yield
        archive.reachable = True

    return SimpleNamespace(
        blobs=archive,
        archive=archive,
        checksum=lambda data: hashlib.sha256(data).hexdigest(),
        outage=outage,
        raw_reader=archive.blobs.get,
    )


_prefixes = itertools.count()


@contextlib.asynccontextmanager
async def _s3(port, checksum):
    """Yield a store on a server of S3's API, with a prefix of its own."""
    with FaultyProxy(port) as proxy:
        settings = S3Settings(
            endpoint=proxy.endpoint,
            region="us-east-1",
            bucket=s3_servers.BUCKET,
            access_key_id=s3_servers.KEY_ID,
            access_key_secret=Secret(s3_servers.SECRET),
            prefix=f"contract/{next(_prefixes)}",
            connect_timeout=60,
            idle_timeout=60,
        )
        archive = S3BlobArchive(settings)
        yield SimpleNamespace(blobs=archive, archive=archive, checksum=checksum, outage=proxy.down)
        await archive.aclose()


@pytest.fixture(scope="session")
def moto():
    with s3_servers.moto() as port:
        yield port


@pytest.fixture(scope="session")
def localbucket():
    with s3_servers.localbucket() as port:
        yield port


@pytest.fixture
async def s3_on_moto_store(moto):
    def checksum(data):
        etag = S3Etag()
        etag.update(data)
        return etag.text

    async with _s3(moto, checksum) as store:
        yield store


@pytest.fixture
async def s3_on_localbucket_store(localbucket):
    async with _s3(localbucket, lambda data: hashlib.md5(data).hexdigest()) as store:  # noqa: S324 - an ETag
        yield store


@pytest.fixture
def in_thread_store():
    return SimpleNamespace(inspector=ThreadInspector())


@pytest.fixture
async def subprocess_store():
    inspector = SubprocessInspector()
    yield SimpleNamespace(inspector=inspector)
    await inspector.aclose()
