"""Moves a data directory to PostgreSQL and the bucket."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs

from imagegen_adapters.archives.bucket import BucketArchive
from imagegen_adapters.files.local import LocalBlobStore
from imagegen_adapters.move.run import ImageFiles, Move, MoveReport, SpoolFiles, rehearse
from imagegen_adapters.move.tables import (
    TABLES,
    MoveCode,
    MoveError,
    Progress,
    Source,
    Target,
    columns_of,
    earlier_state,
)
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.secrets import FernetSecretBox, KeyCode, read_keys
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import (
    IMAGES_DIRECTORY,
    INPUTS_DIRECTORY,
    SPOOL_DIRECTORY,
    DataDirectory,
)
from imagegen_adapters.stores.gallery import SqlGallery
from imagegen_adapters.stores.postgresql import database as postgresql
from imagegen_adapters.stores.postgresql.database import installation_id, read_installation_id
from imagegen_adapters.stores.postgresql.files import PostgresqlSpool
from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite import database as sqlite
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.system import SystemClock, simplify
from imagegen_core.errors import Unavailable
from imagegen_http.service import open_archive
from imagegen_http.settings.schema import Settings

_POLICY = postgresql.ConnectionPolicy(max_connections=2, command_timeout_seconds=4 * 3600.0)
"""Counting tables and building the search index take minutes for each million images."""


@attrs.frozen(kw_only=True)
class _Parts:
    keys: str | None = attrs.field(repr=False)
    source: Source
    source_images: SqlGallery
    files: ImageFiles
    inputs: LocalBlobStore
    spooled: LocalBlobStore
    archive: BucketArchive
    installation_id: str | None


async def move(
    settings: Settings, environ: Mapping[str, str], *, dsn: str, accept_missing: bool, progress: Progress
) -> MoveReport:
    """Move the data directory to the database at ``dsn`` and the bucket of the settings."""
    async with _opened(settings, environ) as parts, AsyncExitStack() as stack:
        database = await postgresql.Database.open(dsn, _POLICY, incomplete=True)
        stack.push_async_callback(database.close)
        if parts.keys is not None:
            await PostgresqlMasterKey(database, environment_keys=parts.keys).open_box(create=False)
        await parts.archive.prefix.check(parts.installation_id or await installation_id(database))
        copies = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagegen-move-")))
        spool = PostgresqlSpool(database, copies, clock=SystemClock())
        act = Move(
            source=parts.source,
            target=Target(database, simplify),
            inventory=postgresql_gallery(database),
            files=parts.files,
            inputs=SpoolFiles(local=parts.inputs, spool=spool, are_kept=True),
            spooled=SpoolFiles(local=parts.spooled, spool=spool),
            progress=progress,
            claim_prefix=parts.archive.prefix.take,
            installation_id=parts.installation_id,
        )
        return await act(accept_missing=accept_missing)


async def rehearse_move(settings: Settings, environ: Mapping[str, str], *, dsn: str) -> MoveReport:
    """Check as `move` does and return what it would copy; nothing is written."""
    async with _opened(settings, environ) as parts:
        async with postgresql.Database.rehearsal(dsn) as connection:
            installation = parts.installation_id or await read_installation_id(connection)
            await parts.archive.prefix.check(installation)
            state = await earlier_state(connection, await parts.source.fingerprint())
            columns = {table.name: await columns_of(connection, table) for table in TABLES}
        if state is not None and state.finished_at is not None:
            return MoveReport(finished_at=state.finished_at)
        return await rehearse(parts.source, columns, parts.source_images, parts.files)


@asynccontextmanager
async def _opened(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[_Parts]:
    """Lock the data directory, open it for reading and the bucket for writing, and check the keys."""
    async with AsyncExitStack() as stack:
        directory = DataDirectory.open(settings.data_dir, create=False)
        stack.callback(directory.close)
        database = sqlite.Database.open(directory.database, read_only=True)
        stack.push_async_callback(database.close)
        keys = await _checked_keys(directory, database, environ)
        outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
        stack.push_async_callback(outbound.aclose)
        archive = open_archive(settings, outbound.gate)
        if archive is None:
            raise MoveError(MoveCode.NO_BUCKET())
        stack.push_async_callback(archive.aclose)
        local = LocalBlobStore(directory.path / IMAGES_DIRECTORY, checksum=archive.new_checksum)
        stack.callback(local.close)
        spooled = LocalBlobStore(directory.path / SPOOL_DIRECTORY)
        stack.callback(spooled.close)
        inputs = LocalBlobStore(directory.path / INPUTS_DIRECTORY)
        stack.callback(inputs.close)
        await archive.stat("probe")  # before anything is written
        yield _Parts(
            keys=keys,
            source=Source(SqliteSql(database)),
            source_images=sqlite_gallery(database),
            files=ImageFiles(local=local, archive=archive),
            inputs=inputs,
            spooled=spooled,
            archive=archive,
            installation_id=directory.known_installation_id(),
        )


async def _checked_keys(
    directory: DataDirectory, database: sqlite.Database, environ: Mapping[str, str]
) -> str | None:
    """Return the master keys, separated by commas, which open every token; None if there are none."""
    tokens = [row.token async for row in SqlSealedRows(SqliteSql(database)).all()]
    variable = environ.get("IMAGEGEN_MASTER_KEY")
    box = FernetSecretBox.for_inspection(directory.path, environment_keys=variable, tokens=tokens)
    reason = box.lock_reason
    if reason is not None and (tokens or reason.code is not KeyCode.MASTER_KEY_MISSING):
        raise Unavailable(KeyCode.SAVED_KEYS_LOCKED(reason=reason))
    return variable or ",".join(read_keys(directory.path) or ()) or None
