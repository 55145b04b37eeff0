"""The one composition: what a data directory or a database supplies, joined into the parts of `ImageGen`."""

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from socket import gethostname
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import attrs

from imagegen_adapters.files.cache import CachedBlobStore
from imagegen_adapters.files.local import LocalBlobStore, RunningChecksum
from imagegen_adapters.files.spool import LocalSpool
from imagegen_adapters.files.tiers import ArchiveFirstBlobStore, TieredBlobStore
from imagegen_adapters.images.inspector import SubprocessInspector
from imagegen_adapters.kinds import compose_providers
from imagegen_adapters.outbound.addresses import OutboundGuard
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.simplify import simplify
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import (
    COPIES_DIRECTORY,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.one_node import OneNode
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.configs import SqliteProviderConfigs
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import SqliteIndex, index_state, reindex, sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.system import SystemClock, SystemDiskSpace, new_id
from imagegen_core import ImageGen, Limits, Parts
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ImagegenError, ValidationFailed
from imagegen_core.limits import DEFAULT_KEEP_INPUTS
from imagegen_core.ports.blobs import BlobArchive, BlobStore, Spool
from imagegen_core.ports.cluster import REMOVALS, Cluster
from imagegen_core.ports.gallery import Gallery
from imagegen_core.ports.marks import Marks
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secrets import ProviderConfigs, SecretBox
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock, HasRoom, Label
from imagegen_core.problems import ProblemCode
from imagegen_core.redaction import Redactor
from imagegen_core.secrets import Secret
from imagegen_core.services.upkeep import CleanSpool, ExpireLocal, SyncStorage, Upkeep, VerifyStorage

if TYPE_CHECKING:
    from imagegen_adapters.stores.postgresql.health import Activity

DEFAULT_DEAD_AFTER_SECONDS = 30.0
MIN_FREE_BYTES = 200 * 1024 * 1024

_log = logging.getLogger("imagegen.composition")


async def _nothing() -> None:
    pass


@attrs.frozen(kw_only=True)
class Backend:
    """Everything that nodes on one database have in common, opened for this one.

    ``blobs`` keeps images durably until the archive has them, or for good without one. ``box`` opens with the
    master key that this database was used with before. By ``installation_id`` whoever works on it is told
    from others who use the same bucket. ``index_state`` and ``reindex`` are those of the
    search index.

    Where this process is the only one that works on the database, ``writes`` counts the transactions that it
    has committed, each before anybody knows of it, and ``prepare`` does what has to be done to earlier rows
    and files before it begins. ``is_healthy`` is False after an error from which a disk may not recover.

    Where there may be others, ``activity`` says what they do now.
    """

    tasks: TaskRepository
    queue: Queue
    cluster: Cluster
    images: Gallery
    marks: Marks
    installation_id: Callable[[], Awaitable[str]]
    index_state: Callable[[], Awaitable[IndexState]]
    reindex: Callable[[Callable[[int, int], None]], Awaitable[int]]
    outbox: Outbox
    blobs: BlobStore
    spool: Spool
    configs: ProviderConfigs
    box: SecretBox
    writes: Callable[[], int] | None = None
    prepare: Callable[[], Awaitable[None]] = _nothing
    activity: Callable[[], Awaitable["Activity"]] | None = None
    is_healthy: Callable[[], bool] = lambda: True


@asynccontextmanager
async def on_disk(
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None = None,
    create: bool = True,
    keep_inputs: bool = DEFAULT_KEEP_INPUTS,
) -> AsyncIterator[Backend]:
    """Open what one box keeps: SQLite and files in a data directory that this process has locked."""
    async with AsyncExitStack() as stack:
        database = Database.open(directory.database)
        stack.push_async_callback(database.close)
        box = await _secret_box(directory, database, environ, create=create)
        blobs = LocalBlobStore(directory.path / IMAGES_DIRECTORY, checksum=checksum)
        stack.callback(blobs.close)
        spool = LocalSpool(directory.path / SPOOL_DIRECTORY, directory.path / INPUTS_DIRECTORY, clock=clock)
        stack.callback(spool.close)
        await blobs.sweep_temporary()
        await spool.sweep_temporary()
        tasks = SqliteTasks(database, simplify=simplify)
        configs = SqliteProviderConfigs(database, box)

        async def prepare() -> None:
            await configs.seal_plaintext()
            clean = CleanSpool(repository=tasks, spool=spool, clock=clock, keep_inputs=keep_inputs)
            await _remove_leftovers(clean)

        yield Backend(
            tasks=tasks,
            queue=SqliteQueue(database),
            cluster=OneNode(),
            images=sqlite_gallery(database),
            marks=SqlMarks(SqliteSql(database), SqliteIndex()),
            installation_id=partial(asyncio.to_thread, directory.installation_id, new_id),
            index_state=partial(index_state, database, simplify),
            reindex=partial(reindex, database, simplify),
            outbox=SqlOutbox(SqliteSql(database)),
            blobs=blobs,
            spool=spool,
            configs=configs,
            box=box,
            writes=lambda: database.writer.commits,
            prepare=prepare,
            is_healthy=lambda: database.healthy,
        )


async def _secret_box(
    directory: DataDirectory, database: Database, environ: Mapping[str, str], *, create: bool
) -> FernetSecretBox:
    variable, sample = environ.get("IMAGEGEN_MASTER_KEY"), await SqlSealedRows(SqliteSql(database)).sample()
    if create:
        return FernetSecretBox.for_directory(directory.path, environment_keys=variable, sample=sample)
    return FernetSecretBox.for_inspection(
        directory.path, environment_keys=variable, tokens=[sample] if sample else []
    )


async def _remove_leftovers(clean: CleanSpool) -> None:
    """Remove what dead submissions have left, while no submission can be in progress."""
    try:
        await clean(at_start=True)
    except ImagegenError as error:
        _log.warning("leftovers of an earlier run could not be cleaned up: %s", error)


@asynccontextmanager
async def on_postgresql(
    url: str,
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    version: str,
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None = None,
    roles: tuple[str, ...] = ("api", "worker"),
    runs_tasks: bool = True,
    dead_after_seconds: float = DEFAULT_DEAD_AFTER_SECONDS,
) -> AsyncIterator[Backend]:
    """Connect to a database that nodes share; the directory is this node's scratch space.

    Raises:
        ModuleNotFoundError: asyncpg, the extra ``cluster``, is not installed.
    """
    from imagegen_adapters.stores.postgresql import search
    from imagegen_adapters.stores.postgresql.cluster import PostgresqlCluster
    from imagegen_adapters.stores.postgresql.database import Database, installation_id
    from imagegen_adapters.stores.postgresql.files import PostgresqlBlobStore, PostgresqlSpool
    from imagegen_adapters.stores.postgresql.health import read_activity
    from imagegen_adapters.stores.postgresql.keys import PostgresqlMasterKey, PostgresqlProviderConfigs
    from imagegen_adapters.stores.postgresql.listener import Listener
    from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
    from imagegen_adapters.stores.sql import PostgresqlSql

    async with AsyncExitStack() as stack:
        database = await Database.open(url)
        stack.push_async_callback(database.close)
        keys = environ.get("IMAGEGEN_MASTER_KEY")
        box = await PostgresqlMasterKey(database, environment_keys=keys).open_box()
        listener = Listener(database)
        stack.push_async_callback(listener.close)
        listener.start()
        copies = directory.path / COPIES_DIRECTORY
        spool = PostgresqlSpool(database, copies, clock=clock, copies_puts=runs_tasks)
        await spool.sweep_temporary()
        yield Backend(
            tasks=PostgresqlTasks(database, listener, simplify=simplify),
            queue=PostgresqlQueue(database, listener),
            cluster=PostgresqlCluster(
                database,
                listener,
                dead_after_seconds=dead_after_seconds,
                host=gethostname(),
                roles=roles,
                version=version,
            ),
            images=search.postgresql_gallery(database),
            marks=SqlMarks(PostgresqlSql(database), search.PostgresqlIndex()),
            installation_id=partial(installation_id, database),
            index_state=partial(search.index_state, database, simplify),
            reindex=partial(search.reindex, database, simplify),
            outbox=SqlOutbox(PostgresqlSql(database)),
            blobs=PostgresqlBlobStore(database, checksum=checksum),
            spool=spool,
            configs=PostgresqlProviderConfigs(database, box),
            box=box,
            activity=partial(read_activity, database),
        )


async def rotate_keys(url: str, environment_keys: str | None) -> int:
    """Seal every saved secret with the first of the keys; nodes may run meanwhile, if they have both.

    Returns:
        How many saved secrets were sealed again.
    """
    from imagegen_adapters.stores.postgresql.database import Database
    from imagegen_adapters.stores.postgresql.keys import PostgresqlMasterKey

    database = await Database.open(url)
    try:
        return await PostgresqlMasterKey(database, environment_keys=environment_keys).rotate()
    finally:
        await database.close()


def join_archive(local: BlobStore, archive: BlobArchive | None, *, archive_first: bool = False) -> BlobStore:
    """Return the store that is read and written: the disk, with an archive behind it, or before it."""
    if archive is None:
        return local
    return (ArchiveFirstBlobStore if archive_first else TieredBlobStore)(local=local, archive=archive)


def compose_upkeep(
    backend: Backend,
    archive: BlobArchive | None,
    clock: Clock,
    *,
    node: str,
    sweep_seconds: float = 300.0,
    retention_days: float | None = None,
    keep_inputs: bool = DEFAULT_KEEP_INPUTS,
) -> Upkeep:
    """Return what keeps the stores in order, while its node has the turn.

    Images stay on the disk for ``retention_days`` after the archive has them; for good where that is None.
    """
    records, local = backend.images, backend.blobs
    expire = None
    if archive is not None and retention_days is not None:
        expire = ExpireLocal(
            records=records,
            local=local,
            archive=archive,
            clock=clock,
            retention_days=retention_days,
        )
    sync = SyncStorage(
        outbox=backend.outbox,
        records=records,
        local=local,
        archive=archive,
        clock=clock,
    )
    upkeep = Upkeep(
        sync=sync,
        expire=expire,
        verify=VerifyStorage(records=records, local=local, archive=archive),
        clean=CleanSpool(repository=backend.tasks, spool=backend.spool, clock=clock, keep_inputs=keep_inputs),
        cluster=backend.cluster,
        node=node,
        clock=clock,
        sweep_seconds=sweep_seconds,
    )
    backend.cluster.hear(REMOVALS, lambda _: upkeep.wake())
    return upkeep


@asynccontextmanager
async def read_cache(
    blobs: BlobStore, directory: Path, *, max_bytes: int, has_room: HasRoom
) -> AsyncIterator[BlobStore]:
    """Yield the store with a cache of so many bytes before it, or as it is if that is none."""
    if not max_bytes:
        yield blobs
        return
    files = LocalBlobStore(directory, is_synced=False)
    try:
        cache = CachedBlobStore(blobs, files, max_bytes=max_bytes, has_room=has_room)
        await cache.clear()
        yield cache
    finally:
        files.close()


def compose_parts(
    backend: Backend,
    *,
    blobs: BlobStore,
    inspector: SubprocessInspector,
    outbound: Outbound,
    has_room: HasRoom,
    clock: Clock,
    providers: Mapping[str, Provider],
    redactor: Redactor,
    label: Label | None = None,
) -> Parts:
    """Return the parts of an `ImageGen` over a backend."""
    return Parts(
        tasks=backend.tasks,
        queue=backend.queue,
        cluster=backend.cluster,
        images=backend.images,
        marks=backend.marks,
        configs=backend.configs,
        blobs=blobs,
        spool=backend.spool,
        inspect=inspector.inspect,
        check_address=OutboundGuard(outbound.gate).check,
        box=backend.box,
        has_room=has_room,
        clock=clock,
        providers=providers,
        redactor=redactor,
        new_id=new_id,
        simplify=simplify,
        label=label,
    )


@asynccontextmanager
async def open_imagegen(
    place: str | Path,
    *,
    keys: Mapping[str, str] = MappingProxyType({}),
    providers: Mapping[str, ProviderConfig | Provider] = MappingProxyType({}),
    archive: BlobArchive | None = None,
    data_dir: str | Path | None = None,
    allow_private: Iterable[str] = (),
    limits: Limits | None = None,
) -> AsyncIterator[ImageGen]:
    """Do what `imagegen_adapters.open` promises."""
    adapters = {name: value for name, value in providers.items() if not isinstance(value, ProviderConfig)}
    configs = _file_configs(keys, providers)
    is_shared = str(place).startswith(("postgresql:", "postgres:"))
    async with AsyncExitStack() as stack:
        clock, redactor = SystemClock(), Redactor()
        for secret in _secrets(str(place) if is_shared else ""):
            redactor.register(secret)
        outbound = Outbound(allow_private=[*allow_private])
        stack.push_async_callback(outbound.aclose)
        if is_shared and data_dir is None:
            data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="imagegen-"))
        directory = DataDirectory.open(Path(data_dir if is_shared and data_dir else place), create=True)
        stack.callback(directory.close)
        checksum = getattr(archive, "new_checksum", None)
        opened = (
            on_postgresql(
                str(place),
                directory,
                environ=os.environ,
                version="library",
                clock=clock,
                checksum=checksum,
            )
            if is_shared
            else on_disk(directory, environ=os.environ, clock=clock, checksum=checksum)
        )
        backend = await stack.enter_async_context(opened)
        installed = compose_providers(clock, outbound, redactor)
        inspector = SubprocessInspector()
        stack.push_async_callback(inspector.aclose)
        disk = SystemDiskSpace(directory.path, min_free_bytes=MIN_FREE_BYTES, clock=clock)
        parts = compose_parts(
            backend,
            blobs=join_archive(backend.blobs, archive),
            inspector=inspector,
            outbound=outbound,
            has_room=disk.has_room,
            clock=clock,
            providers={**installed, **adapters} if adapters else installed,
            redactor=redactor,
        )
        node = new_id()
        upkeep = compose_upkeep(backend, archive, clock, node=node)
        imagegen = ImageGen(parts, limits=limits, file_configs=configs, owner=node, on_change=upkeep.wake)
        await backend.prepare()
        await backend.cluster.join(node)  # who has joined may hold a slot
        await stack.enter_async_context(upkeep)
        yield await stack.enter_async_context(imagegen)


def _secrets(url: str) -> Iterator[str]:
    """Yield what no log may show: the master key, and the password of a database's URL."""
    if master_key := os.environ.get("IMAGEGEN_MASTER_KEY"):
        yield master_key
    password = urlsplit(url).password or os.environ.get("PGPASSWORD")
    if password:
        yield from {password, unquote(password)}


def _file_configs(
    keys: Mapping[str, str], providers: Mapping[str, ProviderConfig | Provider]
) -> dict[str, ProviderConfig]:
    configs = {"demo": ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)}
    for name, value in providers.items():
        if isinstance(value, ProviderConfig):
            configs[name] = attrs.evolve(value, provider_name=name, source=ConfigSource.FILE)
        else:
            configs[name] = ProviderConfig(provider_name=name, kind=name, source=ConfigSource.FILE)
    for name, key in keys.items():
        if not key:
            raise ValidationFailed.for_field(f"keys.{name}", ProblemCode.EMPTY())
        base = configs.get(name) or ProviderConfig(provider_name=name, source=ConfigSource.FILE)
        configs[name] = attrs.evolve(base, api_key=Secret(key))
    return configs
