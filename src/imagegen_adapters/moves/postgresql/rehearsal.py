"""Looks at what a move would copy, and writes nothing."""

from collections.abc import Mapping, Sequence

import attrs

from imagegen_adapters.moves.postgresql.columns import Column
from imagegen_adapters.moves.postgresql.image_files import ImageFiles
from imagegen_adapters.moves.postgresql.report import FilesReport, MoveReport, TableReport
from imagegen_adapters.moves.postgresql.source import Source
from imagegen_adapters.moves.postgresql.table_copy import digest
from imagegen_adapters.moves.postgresql.tables import TABLES, Table
from imagegen_core.ports.image_inventory import ImageInventory


@attrs.frozen(kw_only=True)
class Rehearsal:
    """Reads all rows as the target is to hold them, and the sizes of all files.

    Args:
        source: the tables of the data directory.
        columns: those of the target, by the table's name.
        inventory: the images in the data directory.
        files: compares their files with the archive.
    """

    source: Source
    columns: Mapping[str, Sequence[Column]]
    inventory: ImageInventory
    files: ImageFiles

    async def __call__(self) -> MoveReport:
        """Return what would be copied; an image is missing if neither store has a file of its size.

        Raises:
            MoveError: a row cannot be copied.
            StorageError: the data directory cannot be read, or the archive does not respond now.
        """
        tables = tuple([await self._table(table) for table in TABLES])
        report, after = FilesReport(), 0
        while images := await self.inventory.images(after=after):
            for image, size in zip(images, await self.files.estimate_all(images), strict=True):
                if size is None:
                    report.missing[image.id] = image.blob_key
                report.sent_bytes += size or 0
            report.images += len(images)
            after = images[-1].id
        return MoveReport(finished_at=None, tables=tables, files=report)

    async def _table(self, table: Table) -> TableReport:
        names = await self.source.columns(table)
        columns = [column for column in self.columns[table.name] if column.name in names - table.changing]
        rows = await digest(self.source, table, columns)
        return TableReport(name=table.name, rows=rows.rows, sha256=rows.value)
