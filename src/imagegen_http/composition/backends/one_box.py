"""One box: SQLite and files in the data directory, which belongs to this process alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from imagegen_adapters.files.local import LocalBlobStore
from imagegen_adapters.files.spool import LocalSpool
from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.simplify import simplify
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import (
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.one_node import LocalNodes, LocalSlots, LocalTurn
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.configs import SqliteProviderConfigs
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import SqliteIndex, index_state, reindex, sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.system import new_id
from imagegen_core.errors import ImagegenError
from imagegen_core.ports.blobs import RunningChecksum
from imagegen_core.ports.tools import Clock
from imagegen_core.services.upkeep import CleanSpool
from imagegen_http.composition.backends.backend import Backend

_log = structlog.get_logger("imagegen.composition")


@asynccontextmanager
async def open_backend(
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None,
    create: bool,
    keep_inputs: bool,
) -> AsyncIterator[Backend]:
    """Open the database of a data directory that this process has locked."""
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
            clean = CleanSpool(repository=tasks, spool=spool, clock=clock, keep_inputs=keep_inputs)
            await _remove_leftovers(clean)

        yield Backend(
            tasks=tasks,
            queue=SqliteQueue(database),
            nodes=LocalNodes(),
            slots=LocalSlots(),
            turn=LocalTurn(),
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
        _log.warning("leftovers of an earlier run could not be cleaned up", reason=str(error))
