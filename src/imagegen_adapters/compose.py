"""The one composition: from an operator's options to a running `ImageGen`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from socket import gethostname
from typing import TYPE_CHECKING

import attrs

from imagegen_adapters.files.cache import ArchiveFirstBlobStore, CachedBlobStore, RecentBlobs, TieredBlobStore
from imagegen_adapters.files.local import LocalBlobStore, LocalSpool, RunningChecksum
from imagegen_adapters.images.inspector import SubprocessInspector
from imagegen_adapters.memory import over_sql, over_sqlite
from imagegen_adapters.outbound.addresses import OutboundGuard
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.webhooks import WebhookClient, WebhookGate
from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import (
    CACHE_DIRECTORY,
    COPIES_DIRECTORY,
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    LARGE_THUMBNAILS_DIRECTORY,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import index_state, reindex
from imagegen_adapters.system import SystemDiskSpace, new_id, simplify
from imagegen_core import ImageGen, Limits, Parts
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ImagegenError
from imagegen_core.limits import (
    DEFAULT_BATCH_POLL_SECONDS,
    DEFAULT_BEAT_SECONDS,
    DEFAULT_KEEP_INPUTS,
    DEFAULT_TRASH_DAYS,
)
from imagegen_core.ports.blobs import BlobArchive
from imagegen_core.ports.cluster import REMOVALS, REMOVED
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.tools import Clock, Label
from imagegen_core.secrets import Redactor
from imagegen_core.services.upkeep import Stores, Upkeep

if TYPE_CHECKING:
    from imagegen_adapters.archives.prefix import InstallationId
    from imagegen_adapters.stores.postgresql.installation import Activity

_log = logging.getLogger("imagegen.composition")
_LARGE_THUMBNAILS_BYTES = 256 * 1024 * 1024  # some 3,000 of them


@attrs.frozen(kw_only=True)
class Options:
    """What an operator chooses.

    Without a ``database`` URL, everything is in the directory; with one, the directory is this node's scratch
    space. ``archive_first``: images skip the disk while the archive accepts them. The disk keeps an archived
    image for ``retention_days``, forever if None. Unless ``create``, the database must exist. Unless
    ``runs_tasks``, no background work runs here: other nodes run tasks and upkeep, or nobody does.
    ``allow_webhooks`` lists ``host:port`` and networks of receivers that are not public. Deleted images
    can be restored for ``trash_days``.
    """

    directory: DataDirectory
    database: str | None = None
    environ: Mapping[str, str]
    outbound: Outbound
    providers: Mapping[str, Provider]
    allow_webhooks: tuple[str, ...] = ()
    file_configs: Mapping[str, ProviderConfig]
    redactor: Redactor
    clock: Clock
    open_archive: "Callable[[InstallationId], BlobArchive | None]"
    archive_first: bool = False
    retention_days: float | None = None
    sweep_seconds: float = 300.0
    cache_bytes: int = 0
    min_free_bytes: int = 200 * 1024 * 1024
    keep_inputs: bool = DEFAULT_KEEP_INPUTS
    trash_days: float = DEFAULT_TRASH_DAYS
    label: Label | None = None
    limits: Limits | None = None
    roles: tuple[str, ...] = ("api", "worker")
    version: str = "library"
    dead_after_seconds: float = 30.0
    beat_seconds: float = DEFAULT_BEAT_SECONDS
    batch_poll_seconds: float = DEFAULT_BATCH_POLL_SECONDS
    runs_tasks: bool = True
    create: bool = True


@attrs.frozen(kw_only=True)
class Store:
    """A database and its files: the parts they implement, and what only they know.

    ``installation_id`` distinguishes installations that share a bucket. ``index_state`` and ``reindex`` are
    the search index's. ``is_healthy`` is False after an error that a disk may not recover from. With a single
    process, ``writes`` counts committed transactions, each before anybody learns of it. With several,
    ``activity`` says what they do now.
    """

    parts: Parts
    installation_id: "InstallationId"
    index_state: Callable[[], Awaitable[IndexState]]
    reindex: Callable[[Callable[[int, int], None]], Awaitable[int]]
    writes: Callable[[], int] | None = None
    is_healthy: Callable[[], bool] = lambda: True
    activity: Callable[[], Awaitable["Activity"]] | None = None


@attrs.frozen(kw_only=True)
class Composed:
    """A running `ImageGen` and its surroundings; ``webhook_client`` sends one webhook."""

    imagegen: ImageGen
    upkeep: Upkeep
    store: Store
    disk: SystemDiskSpace
    webhook_client: WebhookClient


@asynccontextmanager
async def compose(options: Options) -> AsyncIterator[Composed]:
    """Build an `ImageGen` and its upkeep, run them, and tear them down in reverse order."""
    clock, directory, runs_tasks = options.clock, options.directory, options.runs_tasks
    async with AsyncExitStack() as stack:

        async def installation_id() -> str:
            return await store.installation_id()  # opened below, before the first request

        archive, inspector = options.open_archive(installation_id), SubprocessInspector()
        stack.push_async_callback(inspector.aclose)
        disk = SystemDiskSpace(directory.path, options.min_free_bytes)
        spare = SystemDiskSpace(directory.path, options.min_free_bytes + _LARGE_THUMBNAILS_BYTES)
        files = LocalBlobStore(directory.path / LARGE_THUMBNAILS_DIRECTORY, is_synced=False, threads=1)
        stack.callback(files.close)
        large = RecentBlobs(files, max_bytes=_LARGE_THUMBNAILS_BYTES, has_room=spare.has_room)
        await large.clear()

        def has_room() -> bool:
            """Long before the disk is full, large thumbnails leave it to what was paid for."""
            if not spare.has_room():
                large.drop()
            return disk.has_room()

        webhook_client = WebhookClient(WebhookGate(options.allow_webhooks, beside=options.outbound.gate))
        stack.push_async_callback(webhook_client.aclose)
        parts_of = partial(
            Parts,
            inspect=inspector.inspect,
            draw=inspector.draw,
            check_address=OutboundGuard(options.outbound.gate).check,
            check_webhook=OutboundGuard(webhook_client.gate).check,
            has_room=has_room,
            large_thumbnails=large,
            clock=clock,
            providers=options.providers,
            redactor=options.redactor,
            new_id=new_id,
            simplify=simplify,
            label=options.label,
        )
        opening = _on_disk if options.database is None else _on_postgresql
        store = await stack.enter_async_context(
            opening(options, parts_of, getattr(archive, "new_checksum", None))
        )
        parts, owner = store.parts, new_id()
        blobs = parts.blobs
        if archive is not None:
            tiers = ArchiveFirstBlobStore if options.archive_first else TieredBlobStore
            blobs = tiers(local=blobs, archive=archive)
        parts.cluster.hear(REMOVED, large.drop)
        if options.cache_bytes:
            files = LocalBlobStore(directory.path / CACHE_DIRECTORY, is_synced=False)
            stack.callback(files.close)
            cache = CachedBlobStore(blobs, files, max_bytes=options.cache_bytes, has_room=disk.has_room)
            await cache.clear()
            parts.cluster.hear(REMOVED, cache.drop)
            blobs = cache
        stores = Stores(
            parts=parts,
            archive=archive,
            retention_days=options.retention_days,
            keep_inputs=options.keep_inputs,
            trash_days=options.trash_days,
        )
        upkeep = Upkeep(stores=stores, node=owner, sweep_seconds=options.sweep_seconds)
        parts.cluster.hear(REMOVALS, lambda _: upkeep.wake())
        imagegen = ImageGen(
            attrs.evolve(parts, blobs=blobs),
            limits=options.limits,
            file_configs=options.file_configs,
            owner=owner,
            beat_seconds=options.beat_seconds,
            batch_poll_seconds=options.batch_poll_seconds,
            on_change=upkeep.wake if runs_tasks else partial(parts.cluster.tell, REMOVALS),
            runs_tasks=runs_tasks,
            keep_inputs=options.keep_inputs,
            trash_days=options.trash_days,
        )
        if runs_tasks:
            if options.database is None:  # before any submission
                try:
                    await stores.clean(at_start=True)
                except ImagegenError as error:
                    _log.warning("leftovers of an earlier run could not be cleaned up: %s", error)
            await parts.cluster.beat(owner)  # only a member may hold a slot
            await stack.enter_async_context(upkeep)
        await stack.enter_async_context(imagegen)
        yield Composed(
            imagegen=imagegen, upkeep=upkeep, store=store, disk=disk, webhook_client=webhook_client
        )


@asynccontextmanager
async def _on_disk(
    options: Options, parts_of: Callable[..., Parts], checksum: Callable[[], RunningChecksum] | None
) -> AsyncIterator[Store]:
    """SQLite and files in a data directory that this process has locked."""
    directory, path = options.directory, options.directory.path
    async with AsyncExitStack() as stack:
        database = Database.open(directory.database)
        stack.push_async_callback(database.close)
        sql = SqliteSql(database)
        keys, sample = options.environ.get("IMAGEGEN_MASTER_KEY"), await SqlSealedRows(sql).sample()
        if options.create:
            box = FernetSecretBox.for_directory(path, environment_keys=keys, sample=sample)
        else:
            tokens = [sample] if sample else []
            box = FernetSecretBox.for_inspection(path, environment_keys=keys, tokens=tokens)
        blobs = LocalBlobStore(path / IMAGES_DIRECTORY, checksum=checksum)
        stack.callback(blobs.close)
        spool = LocalSpool(path / SPOOL_DIRECTORY, path / INPUTS_DIRECTORY, clock=options.clock)
        stack.callback(spool.close)
        await blobs.sweep_temporary()
        await spool.sweep_temporary()
        yield Store(
            parts=parts_of(
                **over_sqlite(database, box, options.redactor),
                box=box,
                blobs=blobs,
                spool=spool,
            ),
            installation_id=partial(asyncio.to_thread, directory.installation_id, new_id),
            index_state=partial(index_state, database, simplify),
            reindex=partial(reindex, database, simplify),
            writes=lambda: database.writer.commits,
            is_healthy=lambda: database.healthy,
        )


@asynccontextmanager
async def _on_postgresql(
    options: Options, parts_of: Callable[..., Parts], checksum: Callable[[], RunningChecksum] | None
) -> AsyncIterator[Store]:
    """A PostgreSQL database that several nodes share."""
    from imagegen_adapters.stores.postgresql import search
    from imagegen_adapters.stores.postgresql.cluster import Listener, PostgresqlCluster
    from imagegen_adapters.stores.postgresql.database import Database, installation_id
    from imagegen_adapters.stores.postgresql.files import PostgresqlBlobStore, PostgresqlSpool
    from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey, read_activity
    from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks, task_addition
    from imagegen_adapters.stores.sql import PostgresqlSql

    async with AsyncExitStack() as stack:
        database = await Database.open(str(options.database))
        stack.push_async_callback(database.close)
        keys = options.environ.get("IMAGEGEN_MASTER_KEY")
        box = await PostgresqlMasterKey(database, environment_keys=keys).open_box()
        listener = Listener(database)
        stack.push_async_callback(listener.close)
        listener.start()
        copies = options.directory.path / COPIES_DIRECTORY
        spool = PostgresqlSpool(database, copies, clock=options.clock, copies_puts=options.runs_tasks)
        await spool.sweep_temporary()
        sql = PostgresqlSql(database)
        yield Store(
            parts=parts_of(
                **over_sql(sql, search.PostgresqlIndex(), task_addition, box, options.redactor),
                tasks=PostgresqlTasks(database, listener, simplify=simplify),
                queue=PostgresqlQueue(database, listener),
                cluster=PostgresqlCluster(
                    database,
                    listener,
                    dead_after_seconds=options.dead_after_seconds,
                    host=gethostname(),
                    roles=options.roles,
                    version=options.version,
                ),
                images=search.postgresql_gallery(database),
                box=box,
                blobs=PostgresqlBlobStore(database, checksum=checksum),
                spool=spool,
            ),
            installation_id=partial(installation_id, database),
            index_state=partial(search.index_state, database, simplify),
            reindex=partial(search.reindex, database, simplify),
            activity=partial(read_activity, database),
        )
