"""Moves a data directory: its rows, then its files; may be killed at any moment and run again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import attrs

from imagegen_adapters.moves.postgresql.image_files import ImageFiles
from imagegen_adapters.moves.postgresql.report import FilesReport, MoveReport
from imagegen_adapters.moves.postgresql.source import Source
from imagegen_adapters.moves.postgresql.spool_files import SpoolFiles
from imagegen_adapters.moves.postgresql.table_copy import Progress, TableCopy
from imagegen_adapters.moves.postgresql.tables import TABLES
from imagegen_adapters.moves.postgresql.target import Target
from imagegen_adapters.stores.postgresql.database import adopt_installation, installation_id
from imagegen_core.images import Image, StorageState
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.values import in_batches

_KEYS_PER_BATCH = 10_000
"""Keys of files whose records are looked for at once, in all images."""


@attrs.frozen(kw_only=True)
class Move:
    """Copies from a data directory that nobody uses to a database that nobody uses yet.

    Until all is there and compared, the database is marked as unfinished.

    Args:
        source: the tables of the data directory.
        target: the tables of the database.
        inventory: the images in the database.
        files: copies the files of images.
        inputs: copies the inputs that are kept.
        spooled: copies other inputs, and responses.
        progress: is told how far it is.
        claim_prefix: claims the prefix of the bucket for the installation with an id.
        installation_id: by which the data directory owns the prefix of its bucket, if it has ever asked.
    """

    source: Source
    target: Target
    inventory: ImageInventory
    files: ImageFiles
    inputs: SpoolFiles
    spooled: SpoolFiles
    progress: Progress
    claim_prefix: Callable[[str], Awaitable[None]]
    installation_id: str | None = None

    async def __call__(self, *, accept_missing: bool = False) -> MoveReport:
        """Move what an earlier run has not moved, and return what was looked at.

        While neither store has the bytes of some image, the move remains unfinished, unless
        ``accept_missing``.

        Raises:
            MoveError: the database holds something else, or a row cannot be copied.
            StorageError: a database or the archive cannot be used now; another run goes on from here.
        """
        state = await self.target.begin(await self.source.fingerprint())
        if state.finished_at is not None:
            return MoveReport(finished_at=state.finished_at)
        if self.installation_id is not None:
            await adopt_installation(self.target.database, self.installation_id)
        await self.claim_prefix(await installation_id(self.target.database))
        copy_table = TableCopy(source=self.source, target=self.target, progress=self.progress)
        tables = tuple([await copy_table(table) for table in TABLES])
        await self.target.index_images()
        report = FilesReport()
        await self._copy_images(report, through=state.images_through)
        await self._copy_unrecorded(report)
        await self._copy_spooled(report)
        finished_at = None
        if accept_missing or not report.missing:
            await self.target.set_storage(report.missing, StorageState.ARCHIVE)
            finished_at = await self.target.finish()
        return MoveReport(finished_at=finished_at, tables=tables, files=report)

    async def _copy_images(self, report: FilesReport, *, through: int) -> None:
        total = await self.inventory.count()
        async for images in self._images(through):
            for image, size in zip(images, await self.files.copy_all(images), strict=True):
                if size is None:
                    report.missing[image.id] = image.blob_key
                report.sent_bytes += size or 0
            through = max(through, images[-1].id)
            await self._record(images, report.missing, through)
            report.images += len(images)
            self.progress("files", report.images, total)

    async def _images(self, through: int) -> AsyncIterator[tuple[Image, ...]]:
        """Yield the images whose files an earlier run has found in neither store, then those after it."""
        after = 0
        while images := await self.inventory.images(state=StorageState.LOCAL, after=after):
            if images[0].id > through:
                break
            yield tuple(image for image in images if image.id <= through)
            after = images[-1].id
        while images := await self.inventory.images(after=through):
            yield images
            through = images[-1].id

    async def _record(self, images: Sequence[Image], missing: dict[int, str], through: int) -> None:
        """Store where the images are: in the archive, or in the state in which the next run finds them."""
        absent = [image.id for image in images if image.id in missing]
        present = [image.id for image in images if image.id not in missing]
        await self.target.set_storage(absent, StorageState.LOCAL)
        await self.target.set_storage(present, StorageState.ARCHIVE, through=through)

    async def _copy_unrecorded(self, report: FilesReport) -> None:
        async for batch in in_batches(self.files.local.keys(), _KEYS_PER_BATCH):
            unknown = await self.inventory.unknown(batch)
            keys = sorted(unknown - await self.target.removals(unknown))
            report.sent_bytes += sum(await self.files.copy_unrecorded(keys))
            report.unrecorded += len(keys)

    async def _copy_spooled(self, report: FilesReport) -> None:
        """Copy the files of all tasks that there are; what else is spooled dead submissions have left.

        To keep a file removes what its owner has spooled, so the kept ones are first.
        """
        for files in (self.inputs, self.spooled):
            async for keys in in_batches(files.local.keys(), _KEYS_PER_BATCH):
                task_ids = await self.target.task_ids(_task_id(key) for key in keys)
                for key in keys:
                    if _task_id(key) in task_ids:
                        await files.copy(key)
                        report.spooled += 1


def _task_id(key: str) -> str:
    """Return the task of a spooled file; its owner is a task, or a task and an attempt."""
    return key.partition("/")[0].partition(".")[0]
