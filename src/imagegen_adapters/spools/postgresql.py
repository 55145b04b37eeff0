"""A spool in PostgreSQL, whose files each node can read, with local copies for those who seek in them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.databases.postgresql.files import Files, StoredFile, in_chunks
from imagegen_adapters.databases.postgresql.write_retry import WriteRetry
from imagegen_adapters.files.local import disk_errors
from imagegen_adapters.spools.local_copies import MAX_COPIED_BYTES, LocalCopies
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blobs import bounded, check_key
from imagegen_core.ports.clock import Clock

_INPUTS = "inputs"
"""The store of files that are kept."""

_log = logging.getLogger(__name__)


class PostgresqlSpool:
    """Stores each file in PostgreSQL before `put` returns, so that the death of a node loses none.

    A response is paid for and comes once, so each of its writes is tried again for half a minute while the
    server does not answer or has no room. The copy on disk is a cache: an error there does not fail the put,
    and `bring` makes another copy. A file that is kept goes to another store of the same database.

    Args:
        database: an open database.
        directory: belongs to this process alone.
        clock: the time from which ages are counted; it is the database that dates files.
        max_copied_bytes: the largest size of the directory.
        copies_puts: whether who puts a file will open it, too, as where tasks are run.
    """

    def __init__(
        self,
        database: Database,
        directory: Path,
        *,
        clock: Clock,
        max_copied_bytes: int = MAX_COPIED_BYTES,
        copies_puts: bool = True,
    ) -> None:
        self._files = Files(database, "spool", retry=WriteRetry(sleep=clock.sleep))
        self._inputs = Files(database, _INPUTS)
        self._copies = LocalCopies(directory, max_bytes=max_copied_bytes)
        self._clock = clock
        self._copies_puts = copies_puts

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        key, content = check_key(f"{owner}/{name}"), in_chunks(bounded(chunks, max_bytes))
        if not self._copies_puts:
            return (await self._files.put(key, content)).size_bytes
        copy = self._copies.new()
        try:
            file = await self._files.put(key, copy.written(content))
        except BaseException:  # cancelled too
            await asyncio.shield(copy.remove())
            raise
        try:
            await self._copies.keep(copy, owner, name, file_id=file.file_id)
        except OSError as error:
            await copy.remove()
            _log.warning("a spooled file could not be copied to the local disk: %s", error.strerror)
        return file.size_bytes

    async def bring(self, owner: str) -> None:
        files = [file async for file in self._files.starting_with(f"{check_key(owner)}/")]
        await self._copies.retain(owner, {file.file_id for file in files})
        for file in files:
            name = file.key.removeprefix(f"{owner}/")
            if not self._copies.holds(owner, name):
                with contextlib.suppress(BlobMissing):  # removed meanwhile
                    await self._copy(file, owner, name)

    def open(self, owner: str, name: str) -> BinaryIO:
        return self._copies.open(owner, name)

    async def chunks(
        self, owner: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        key = check_key(f"{owner}/{name}")
        for store in (self._files, self._inputs):  # in the order in which a file moves
            if (file := await store.get(key)) is not None:
                async for chunk in store.read(file, start=start, end=end):
                    yield chunk
                return
        raise BlobMissing(key)

    async def keep(self, owner: str, names: Collection[str]) -> None:
        await self._files.move_folder(check_key(owner), names, store=_INPUTS)
        await self._copies.retain(owner, ())

    async def files(self, owner: str) -> Mapping[str, int]:
        prefix = f"{check_key(owner)}/"
        sizes = {
            file.key.removeprefix(prefix): file.size_bytes
            for store in (self._inputs, self._files)
            async for file in store.starting_with(prefix)
        }
        return dict(sorted(sizes.items()))

    async def holds(self, owners: Collection[str]) -> frozenset[str]:
        spooled = await self._files.existing_folders(owners)
        return spooled | await self._inputs.existing_folders(set(owners) - spooled)

    async def remove(self, owner: str) -> None:
        await self._files.delete_folder(check_key(owner))
        await self._inputs.delete_folder(owner)
        await self._copies.retain(owner, ())

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = self._clock.now() - timedelta(seconds=older_than_seconds)
        return await self._files.folders(written_before=limit)

    async def sweep_temporary(self) -> int:
        """Remove all copies that an earlier process has left in the directory, and return their number.

        Call this only at the start, while nothing is being written.
        """
        return await self._copies.clear()

    async def _copy(self, file: StoredFile, owner: str, name: str) -> None:
        copy = self._copies.new()
        try:
            async for _ in copy.written(self._files.read(file)):
                pass
            with disk_errors(file.key):
                await self._copies.keep(copy, owner, name, file_id=file.file_id)
        except BaseException:  # cancelled too
            await asyncio.shield(copy.remove())
            raise
