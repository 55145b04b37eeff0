"""Rows of images by their ids: those that are asked for at the same moment are one query."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from imagegen_adapters.image_records import statements
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3

_Rows = dict[int, sqlite3.Row]


class ImageLoader:
    """Reads rows in batches: who asks while one is read gets a row of the next, which begins later.

    The change of threads, which is most of what a row costs, is shared by all of a batch. Who asks while
    nothing is read does not wait for company.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._latest: asyncio.Future[Any] | None = None
        self._next: asyncio.Task[_Rows] | None = None  # the latest, until it begins
        self._ids: list[int] = []  # of the next

    async def load(self, image_id: int) -> sqlite3.Row | None:
        """Return the row as it is after this call, or None if there is none.

        Raises:
            Unavailable: reading the batch took too long.
            StorageError: the file cannot be read.
        """
        if self._latest is None:
            return await self._read_alone(image_id)
        if self._next is None:
            self._ids = []
            self._next = self._latest = asyncio.create_task(self._read_after(self._latest, self._ids))
        self._ids.append(image_id)
        return (await asyncio.shield(self._next)).get(image_id)

    async def _read_alone(self, image_id: int) -> sqlite3.Row | None:
        """Read one row without a task, which would take a lone caller a fifth longer."""
        end = self._latest = asyncio.get_running_loop().create_future()
        try:
            return (await self._read([image_id])).get(image_id)
        finally:
            end.set_result(None)
            if self._latest is end:
                self._latest = None

    async def _read_after(self, earlier: asyncio.Future[Any], ids: list[int]) -> _Rows:
        await asyncio.wait((earlier,))
        self._next = None
        try:
            return await self._read(ids)
        finally:
            if self._latest is asyncio.current_task():
                self._latest = None

    async def _read(self, ids: list[int]) -> _Rows:
        return await self._database.read(partial(rows_by_id, ids=ids))


def rows_by_id(connection: sqlite3.Connection, ids: Sequence[int]) -> _Rows:
    """Return the rows that there are, by their ids."""
    rows = connection.execute(statements.GET_IMAGES, (json.dumps(ids),)).fetchall()
    return {row[0]: row for row in rows}
