"""Moves a data directory to PostgreSQL and an archive: its tables, then its files; both ends are compared.

It may be killed at any moment and run again.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import attrs

from imagegen_adapters.archives.bucket import BucketArchive
from imagegen_adapters.files.local import LocalBlobStore
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
from imagegen_adapters.stores.postgresql.files import PostgresqlSpool
from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.stores.transfer import (
    TABLES,
    MoveCode,
    MoveError,
    Progress,
    Source,
    TableReport,
    Target,
    columns_of,
    copy_table,
    earlier_state,
)
from imagegen_adapters.system import SystemClock
from imagegen_core.errors import BlobMissing, StorageError, Unavailable
from imagegen_core.images import Image, MediaType, StorageState
from imagegen_core.ports.blobs import BlobStore, Spool
from imagegen_core.running.storing import sha256_of
from imagegen_core.services.upkeep import copy_to_archive
from imagegen_core.values import in_batches

T = TypeVar("T")
R = TypeVar("R")

_MAX_CONCURRENT = 8
_MEDIA_TYPES = {media_type.extension: media_type.value for media_type in MediaType}

_KEYS_PER_BATCH = 10_000


@attrs.define
class FilesReport:
    """``missing`` maps images that neither store has to their keys; ``spooled`` counts kept inputs, too."""

    images: int = 0
    unrecorded: int = 0
    spooled: int = 0
    sent_bytes: int = 0
    missing: dict[int, str] = attrs.field(factory=dict)

    def add(self, images: Sequence[Image], sizes: Sequence[int | None]) -> None:
        """Count images with the bytes sent of each, or None for a missing one."""
        self.images += len(images)
        self.sent_bytes += sum(filter(None, sizes))
        pairs = zip(images, sizes, strict=True)
        self.missing |= {image.id: image.blob_key for image, size in pairs if size is None}


@attrs.frozen(kw_only=True)
class MoveReport:
    """``finished_at`` is None while nodes may not start; without tables, an earlier run has finished it."""

    finished_at: str | None
    tables: tuple[TableReport, ...] = ()
    files: FilesReport = attrs.field(factory=FilesReport)


# ---------------------------------------------------------------- files


@attrs.frozen(kw_only=True)
class Origin:
    """An open data directory, which is only read, and the archive that its images go to.

    ``keys`` are the master keys, separated by commas, which open every secret; None if there are none.
    """

    keys: str | None = attrs.field(repr=False)
    tables: Source
    inventory: SqlGallery
    images: BlobStore
    inputs: BlobStore
    spooled: BlobStore
    archive: BucketArchive
    installation_id: str | None

    async def copy(self, image: Image) -> int | None:
        """Copy an image and its thumbnail; return the bytes sent, or None if neither store has the image."""
        size = await self._copy_image(image)
        if size is None or image.thumbnail_key is None:
            return size
        return size + await self.copy_file(image.thumbnail_key)

    async def estimate(self, image: Image) -> int | None:
        """Return what `copy` would, judged by sizes alone and without the thumbnail."""
        archived = await self.archive.stat(image.blob_key)
        has_size = archived is not None and archived.size_bytes == image.size_bytes
        if has_size and image.storage is not StorageState.LOCAL:
            return 0
        try:
            blob = await self.images.stat(image.blob_key)
        except StorageError:  # to be reported as missing, as what cannot be read is by `copy`
            blob = None
        if blob is not None and blob.size_bytes == image.size_bytes:
            return image.size_bytes
        return 0 if has_size else None

    async def copy_file(self, key: str) -> int:
        """Return the bytes sent; 0 for a missing file, since a thumbnail can be rebuilt."""
        blob = await self.images.stat(key)
        if blob is None or await self.archive.stat(key) is not None:
            return 0
        content_type = _MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        copy = await self.archive.copy_from(
            self.images, key, size_bytes=blob.size_bytes, content_type=content_type
        )
        return copy.size_bytes

    async def _copy_image(self, image: Image) -> int | None:
        archived = await self.archive.stat(image.blob_key)
        has_size = archived is not None and archived.size_bytes == image.size_bytes
        proof = None if archived is None else archived.archive_checksum
        if has_size and image.archive_checksum is not None and image.archive_checksum == proof:
            return 0
        if not await self._is_intact(image):
            return 0 if has_size and await self._was_archived(image) else None
        if has_size and await self.archive.matches(self.images, image.blob_key):
            return 0
        return (await copy_to_archive(image, self.images, self.archive)).size_bytes

    async def _is_intact(self, image: Image) -> bool:
        try:
            return await sha256_of(self.images, image.blob_key) == image.sha256
        except (BlobMissing, StorageError):  # to be reported as missing, if the archive does not have it
            return False

    async def _was_archived(self, image: Image) -> bool:
        """Whether the archive has proved to hold the image, then or now."""
        if image.storage is not StorageState.LOCAL:
            return True
        return await sha256_of(self.archive, image.blob_key) == image.sha256


async def _concurrently(act: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    """Return the results in the order of the items, once all have ended; raise the first error."""
    gate = asyncio.Semaphore(_MAX_CONCURRENT)

    async def guarded(item: T) -> R:
        async with gate:
            return await act(item)

    results = await asyncio.gather(*map(guarded, items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def _copy_to_spool(local: BlobStore, spool: Spool, key: str, *, is_kept: bool) -> None:
    """Copy a file, replacing an existing one, and compare the copy with it."""
    folder, _, name = key.partition("/")
    blob = await local.stat(key)
    if blob is None:
        raise BlobMissing(key)
    await spool.put(folder, name, local.open(key), max_bytes=blob.size_bytes)
    copy = hashlib.sha256()
    async for chunk in spool.chunks(folder, name):
        copy.update(chunk)
    if copy.hexdigest() != await sha256_of(local, key):
        raise MoveError(MoveCode.SPOOL_DIFFERS(key=key))
    if is_kept:
        await spool.keep(folder, [name])


@asynccontextmanager
async def opened(
    data_dir: Path, environment_keys: str | None, open_archive: Callable[[], BucketArchive | None]
) -> AsyncIterator[Origin]:
    """Lock the data directory, open it for reading and the bucket for writing, and check the keys."""
    async with AsyncExitStack() as stack:
        directory = DataDirectory.open(data_dir, create=False)
        stack.callback(directory.close)
        database = Database.open(directory.database, read_only=True)
        stack.push_async_callback(database.close)
        sql = SqliteSql(database)
        tokens = [row.token async for row in SqlSealedRows(sql).all()]
        box = FernetSecretBox.for_inspection(data_dir, environment_keys=environment_keys, tokens=tokens)
        reason = box.lock_reason
        if reason is not None and (tokens or reason.code is not KeyCode.MASTER_KEY_MISSING):
            raise Unavailable(KeyCode.SAVED_KEYS_LOCKED(reason=reason))
        archive = open_archive()
        if archive is None:
            raise MoveError(MoveCode.NO_BUCKET())
        stack.push_async_callback(archive.aclose)
        images = LocalBlobStore(data_dir / IMAGES_DIRECTORY, checksum=archive.new_checksum)
        inputs, spooled = (
            LocalBlobStore(data_dir / INPUTS_DIRECTORY),
            LocalBlobStore(data_dir / SPOOL_DIRECTORY),
        )
        for store in (images, inputs, spooled):
            stack.callback(store.close)
        await archive.stat("probe")  # before anything is written
        yield Origin(
            keys=environment_keys or ",".join(read_keys(data_dir) or ()) or None,
            tables=Source(sql),
            inventory=sqlite_gallery(database),
            images=images,
            inputs=inputs,
            spooled=spooled,
            archive=archive,
            installation_id=directory.known_installation_id(),
        )


# ---------------------------------------------------------------- the move


_POLICY = postgresql.ConnectionPolicy(max_connections=2, command_timeout_seconds=4 * 3600.0)
"""Counting tables and building the search index take minutes for each million images."""


async def move(origin: Origin, dsn: str, *, accept_missing: bool, progress: Progress) -> MoveReport:
    """Move the data directory to the database at ``dsn`` and the archive."""
    async with AsyncExitStack() as stack:
        database = await postgresql.Database.open(dsn, _POLICY, incomplete=True)
        stack.push_async_callback(database.close)
        if origin.keys is not None:
            await PostgresqlMasterKey(database, environment_keys=origin.keys).open_box(create=False)
        installation_id = origin.installation_id or await postgresql.installation_id(database)
        await origin.archive.prefix.check(installation_id)
        copies = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagegen-move-")))
        act = _Move(
            origin=origin,
            target=Target(database, postgresql_gallery(database)),
            spool=PostgresqlSpool(database, copies, clock=SystemClock()),
            progress=progress,
        )
        return await act(installation_id, accept_missing=accept_missing)


async def rehearse(origin: Origin, dsn: str) -> MoveReport:
    """Check as `move` does, images by their size alone, and return what it would copy; nothing is written."""
    source, tables, files, after = origin.tables, [], FilesReport(), 0
    async with postgresql.Database.rehearsal(dsn) as connection:
        installation_id = origin.installation_id or await postgresql.read_installation_id(connection)
        await origin.archive.prefix.check(installation_id)
        state = await earlier_state(connection, await source.fingerprint())
        columns = {table.name: await columns_of(connection, table) for table in TABLES}
    if state is not None and state.finished_at is not None:
        return MoveReport(finished_at=state.finished_at)
    for table in TABLES:
        names = await source.columns(table) - table.changing
        tables.append(await source.digest(table, [one for one in columns[table.name] if one.name in names]))
    while images := await origin.inventory.stored(after=after):
        files.add(images, await _concurrently(origin.estimate, images))
        after = images[-1].id
    return MoveReport(finished_at=None, tables=tuple(tables), files=files)


@attrs.frozen(kw_only=True)
class _Move:
    """Copies a data directory that nobody uses to a database that nobody uses yet.

    Until all is copied and compared, the database is marked as unfinished.
    """

    origin: Origin
    target: Target
    spool: Spool
    progress: Progress

    async def __call__(self, installation_id: str, *, accept_missing: bool) -> MoveReport:
        """Move what earlier runs have not. It stays unfinished while images are missing, unless accepted."""
        source, target = self.origin.tables, self.target
        state = await target.begin(await source.fingerprint())
        if state.finished_at is not None:
            return MoveReport(finished_at=state.finished_at)
        await target.database.rows("UPDATE installation SET id = $1", installation_id)
        await self.origin.archive.prefix.take(installation_id)
        tables = [await copy_table(source, target, table, self.progress) for table in TABLES]
        await self.target.index_images()
        report, finished_at = FilesReport(), None
        await self._copy_images(report, through=state.images_through)
        await self._copy_unrecorded(report)
        await self._copy_spooled(report)
        if accept_missing or not report.missing:
            await self.target.set_storage(report.missing, StorageState.ARCHIVE)
            finished_at = await self.target.finish()
        return MoveReport(finished_at=finished_at, tables=tuple(tables), files=report)

    async def _copy_images(self, report: FilesReport, *, through: int) -> None:
        """Copy files, and record where each image is; the next run tries missing ones again."""
        total = await self.target.inventory.count()
        async for images in self._images(through):
            report.add(images, await _concurrently(self.origin.copy, images))
            through = max(through, images[-1].id)
            absent = [image.id for image in images if image.id in report.missing]
            present = [image.id for image in images if image.id not in report.missing]
            await self.target.set_storage(absent, StorageState.LOCAL)
            await self.target.set_storage(present, StorageState.ARCHIVE, through=through)
            self.progress("files", report.images, total)

    async def _images(self, through: int) -> AsyncIterator[tuple[Image, ...]]:
        """Yield the images that an earlier run found in neither store, then those after it."""
        after = 0
        while images := await self.target.inventory.stored(state=StorageState.LOCAL, after=after):
            if images[0].id > through:
                break
            yield tuple(image for image in images if image.id <= through)
            after = images[-1].id
        while images := await self.target.inventory.stored(after=through):
            yield images
            through = images[-1].id

    async def _copy_unrecorded(self, report: FilesReport) -> None:
        """Copy files of the trash, and those without a row, which an unfinished task may have paid for."""
        async for batch in in_batches(self.origin.images.keys(), _KEYS_PER_BATCH):
            unknown = await self.target.inventory.unknown(batch) | await self.target.trashed(batch)
            keys = sorted(unknown - await self.target.removals(unknown))
            report.sent_bytes += sum(await _concurrently(self.origin.copy_file, keys))
            report.unrecorded += len(keys)

    async def _copy_spooled(self, report: FilesReport) -> None:
        """Copy the files of existing tasks, kept ones first: keeping a file removes the spooled ones."""
        origin = self.origin
        for local, is_kept in ((origin.inputs, True), (origin.spooled, False)):
            async for keys in in_batches(local.keys(), _KEYS_PER_BATCH):
                task_ids = await self.target.task_ids(map(_task_id, keys))
                for key in keys:
                    if _task_id(key) in task_ids:
                        await _copy_to_spool(local, self.spool, key, is_kept=is_kept)
                        report.spooled += 1


def _task_id(key: str) -> str:
    return key.partition("/")[0].partition(".")[0]
