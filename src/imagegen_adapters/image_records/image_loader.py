"""Rows of images by their ids: those that are asked for at the same moment are one query."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial

from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.image_records import statements

_Rows = dict[int, sqlite3.Row]


class ImageLoader:
    """Reads rows in batches: who asks while one is being read gets a row of the next, which begins later.

    The change of threads, which is most of what a row costs, is shared by all of a batch.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch: asyncio.Task[_Rows] | None = None
        self._ids: list[int] | None = None  # of the batch, until it begins

    async def load(self, image_id: int) -> sqlite3.Row | None:
        """Return the row as it is after this call, or None if there is none.

        Raises:
            Unavailable: reading the batch took too long.
            StorageError: the file cannot be read.
        """
        batch = self._batch
        if batch is None or self._ids is None:
            self._ids = []
            batch = self._batch = asyncio.create_task(self._read(self._ids, batch))
        self._ids.append(image_id)
        return (await asyncio.shield(batch)).get(image_id)

    async def _read(self, ids: list[int], earlier: "asyncio.Task[_Rows] | None") -> _Rows:
        if earlier is not None:
            await asyncio.wait((earlier,))
        self._ids = None
        try:
            return await self._database.read(partial(rows_by_id, ids=ids))
        finally:
            if self._batch is asyncio.current_task():
                self._batch = None


def rows_by_id(connection: sqlite3.Connection, ids: Sequence[int]) -> _Rows:
    """Return the rows that there are, by their ids."""
    rows = connection.execute(statements.GET_IMAGES, (json.dumps(ids),)).fetchall()
    return {row[0]: row for row in rows}
