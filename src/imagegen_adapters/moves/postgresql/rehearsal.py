"""Looks at what a move would copy, and writes nothing."""

from collections.abc import Mapping, Sequence

import attrs

from imagegen_adapters.moves.postgresql.columns import Column
from imagegen_adapters.moves.postgresql.report import FilesReport, MoveReport, TableReport
from imagegen_adapters.moves.postgresql.source import Source
from imagegen_adapters.moves.postgresql.table_copy import digest
from imagegen_adapters.moves.postgresql.tables import TABLES, Table
from imagegen_core.errors import StorageError
from imagegen_core.images import Image, StorageState
from imagegen_core.ports.blob_store import BlobStore
from imagegen_core.ports.image_inventory import ImageInventory


@attrs.frozen(kw_only=True)
class Rehearsal:
    """Reads all rows as the target is to hold them, and the sizes of all files.

    Args:
        source: the tables of the data directory.
        columns: those of the target, by the table's name.
        inventory: the images in the data directory.
        local: their files.
    """

    source: Source
    columns: Mapping[str, Sequence[Column]]
    inventory: ImageInventory
    local: BlobStore

    async def __call__(self) -> MoveReport:
        """Return what would be copied; files that are not as recorded are missing.

        Raises:
            MoveError: a row cannot be copied.
            StorageError: the data directory cannot be read.
        """
        tables = tuple([await self._table(table) for table in TABLES])
        report, after = FilesReport(), 0
        while images := await self.inventory.images(after=after):
            for image in images:
                await self._image(image, report)
            after = images[-1].id
        return MoveReport(finished_at=None, tables=tables, files=report)

    async def _table(self, table: Table) -> TableReport:
        names = await self.source.columns(table)
        columns = [column for column in self.columns[table.name] if column.name in names - table.changing]
        rows = await digest(self.source, table, columns)
        return TableReport(name=table.name, rows=rows.rows, sha256=rows.value)

    async def _image(self, image: Image, report: FilesReport) -> None:
        report.images += 1
        if image.storage is StorageState.ARCHIVE:
            return
        if await self._size(image) == image.size_bytes:
            report.sent_bytes += image.size_bytes
        else:
            report.missing[image.id] = image.blob_key

    async def _size(self, image: Image) -> int | None:
        try:
            blob = await self.local.stat(image.blob_key)
        except StorageError:
            return None
        return None if blob is None else blob.size_bytes
