"""Moves a data directory: its rows, then its files. It may be killed at any moment and run again."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import attrs

from imagegen_adapters.move.tables import (
    TABLES,
    Column,
    MoveCode,
    MoveError,
    Progress,
    Source,
    TableReport,
    Target,
    copy_table,
)
from imagegen_adapters.stores.postgresql.database import installation_id
from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.images import Image, MediaType, StorageState
from imagegen_core.ports.blobs import BlobArchive, BlobStore, Spool
from imagegen_core.ports.gallery import Gallery
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
class ImageFiles:
    """Copies image files to the archive, unless it has them; the local store is only read."""

    local: BlobStore
    archive: BlobArchive

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
            blob = await self.local.stat(image.blob_key)
        except StorageError:  # to be reported as missing, as what cannot be read is by `copy`
            blob = None
        if blob is not None and blob.size_bytes == image.size_bytes:
            return image.size_bytes
        return 0 if has_size else None

    async def copy_file(self, key: str) -> int:
        """Return the bytes sent; 0 for a missing file, since a thumbnail can be rebuilt."""
        blob = await self.local.stat(key)
        if blob is None or await self.archive.stat(key) is not None:
            return 0
        content_type = _MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        copy = await self.archive.copy_from(
            self.local, key, size_bytes=blob.size_bytes, content_type=content_type
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
        if has_size and await self.archive.matches(self.local, image.blob_key):
            return 0
        return (await copy_to_archive(image, self.local, self.archive)).size_bytes

    async def _is_intact(self, image: Image) -> bool:
        try:
            return await sha256_of(self.local, image.blob_key) == image.sha256
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


@attrs.frozen(kw_only=True)
class SpoolFiles:
    """Copies inputs and responses of the ``local`` store, which is only read; ``are_kept`` ones stay kept."""

    local: BlobStore
    spool: Spool
    are_kept: bool = False

    async def copy(self, key: str) -> None:
        """Copy a file, replacing an existing one, and compare the copy with it."""
        folder, _, name = key.partition("/")
        blob = await self.local.stat(key)
        if blob is None:
            raise BlobMissing(key)
        await self.spool.put(folder, name, self.local.open(key), max_bytes=blob.size_bytes)
        copy = hashlib.sha256()
        async for chunk in self.spool.chunks(folder, name):
            copy.update(chunk)
        if copy.hexdigest() != await sha256_of(self.local, key):
            raise MoveError(MoveCode.SPOOL_DIFFERS(key=key))
        if self.are_kept:
            await self.spool.keep(folder, [name])


# ---------------------------------------------------------------- the move


async def rehearse(
    source: Source, columns: Mapping[str, Sequence[Column]], inventory: Gallery, files: ImageFiles
) -> MoveReport:
    """Check that the target could hold all rows, and that some store has a file of each image's size.

    The inventory is that of the data directory.
    """
    tables, report, after = [], FilesReport(), 0
    for table in TABLES:
        names = await source.columns(table) - table.changing
        tables.append(await source.digest(table, [one for one in columns[table.name] if one.name in names]))
    while images := await inventory.stored(after=after):
        report.add(images, await _concurrently(files.estimate, images))
        after = images[-1].id
    return MoveReport(finished_at=None, tables=tuple(tables), files=report)


@attrs.frozen(kw_only=True)
class Move:
    """Copies a data directory that nobody uses to a database that nobody uses yet.

    Until all is copied and compared, the database is marked as unfinished. The ``inventory`` is that of the
    database. ``claim_prefix`` claims the bucket's prefix for ``installation_id``, if the directory has one.
    """

    source: Source
    target: Target
    inventory: Gallery
    files: ImageFiles
    inputs: SpoolFiles
    spooled: SpoolFiles
    progress: Progress
    claim_prefix: Callable[[str], Awaitable[None]]
    installation_id: str | None = None

    async def __call__(self, *, accept_missing: bool = False) -> MoveReport:
        """Move what earlier runs have not. It stays unfinished while images are missing, unless accepted."""
        state = await self.target.begin(await self.source.fingerprint())
        if state.finished_at is not None:
            return MoveReport(finished_at=state.finished_at)
        if self.installation_id is not None:
            await self.target.database.rows("UPDATE installation SET id = $1", self.installation_id)
        await self.claim_prefix(await installation_id(self.target.database))
        tables = [await copy_table(self.source, self.target, table, self.progress) for table in TABLES]
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
        total = await self.inventory.count()
        async for images in self._images(through):
            report.add(images, await _concurrently(self.files.copy, images))
            through = max(through, images[-1].id)
            absent = [image.id for image in images if image.id in report.missing]
            present = [image.id for image in images if image.id not in report.missing]
            await self.target.set_storage(absent, StorageState.LOCAL)
            await self.target.set_storage(present, StorageState.ARCHIVE, through=through)
            self.progress("files", report.images, total)

    async def _images(self, through: int) -> AsyncIterator[tuple[Image, ...]]:
        """Yield the images that an earlier run found in neither store, then those after it."""
        after = 0
        while images := await self.inventory.stored(state=StorageState.LOCAL, after=after):
            if images[0].id > through:
                break
            yield tuple(image for image in images if image.id <= through)
            after = images[-1].id
        while images := await self.inventory.stored(after=through):
            yield images
            through = images[-1].id

    async def _copy_unrecorded(self, report: FilesReport) -> None:
        """Copy files without a row, which an unfinished task may have paid for."""
        async for batch in in_batches(self.files.local.keys(), _KEYS_PER_BATCH):
            unknown = await self.inventory.unknown(batch)
            keys = sorted(unknown - await self.target.removals(unknown))
            report.sent_bytes += sum(await _concurrently(self.files.copy_file, keys))
            report.unrecorded += len(keys)

    async def _copy_spooled(self, report: FilesReport) -> None:
        """Copy the files of existing tasks, kept ones first: keeping a file removes the spooled ones."""
        for files in (self.inputs, self.spooled):
            async for keys in in_batches(files.local.keys(), _KEYS_PER_BATCH):
                task_ids = await self.target.task_ids(map(_task_id, keys))
                for key in keys:
                    if _task_id(key) in task_ids:
                        await files.copy(key)
                        report.spooled += 1


def _task_id(key: str) -> str:
    return key.partition("/")[0].partition(".")[0]
