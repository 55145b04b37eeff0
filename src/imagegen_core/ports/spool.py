"""Files of a task: the providers' raw responses until it ends, and its input images, perhaps for longer."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import BinaryIO, Protocol


class SpoolOverflow(Exception):
    """There were more bytes than the caller allowed; nothing was stored."""


class Spool(Protocol):
    """Files of an owner (a task or an attempt, by id) under short names of ``a-z 0-9 . _ -``.

    Files that are kept remain readable until they are removed, but are left out where `owners` looks for what
    nobody needs any more: however many there are, they cost nothing.
    """

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Store the bytes durably and return their number; an earlier file is replaced.

        Raises:
            SpoolOverflow: there are more than ``max_bytes``.
            StorageError: the bytes could not be stored.
        """
        ...

    async def bring(self, owner: str) -> None:
        """Make the files that other processes have put for an owner ready for `open` in this one.

        An owner without files is no error.

        Raises:
            StorageError: they cannot be read now.
        """
        ...

    def open(self, owner: str, name: str) -> BinaryIO:
        """Return the file, seekable; the caller reads it in a thread and closes it.

        What this process has put can be opened, and what `bring` has found.

        Raises:
            BlobMissing: there is none.
        """
        ...

    def chunks(
        self, owner: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to ``end`` in chunks of at most 512 KiB, read off the event loop.

        A file that is kept meanwhile is read to its end.

        Raises:
            BlobMissing: there is none.
            StorageError: the bytes cannot be read.
        """
        ...

    async def keep(self, owner: str, names: Collection[str]) -> None:
        """Keep these files of an owner from now on, durably, and remove its others but for those kept before.

        A missing file is no error, so that what was interrupted can be done again.

        Raises:
            StorageError: not all could be done now; whatever could not is as it was.
        """
        ...

    async def files(self, owner: str) -> Mapping[str, int]:
        """Return the names of an owner's files, kept or not, in order, each with its size in bytes.

        Raises:
            StorageError: that cannot be told now.
        """
        ...

    async def holds(self, owners: Collection[str]) -> frozenset[str]:
        """Return those of the owners that have any file, kept or not.

        Raises:
            StorageError: that cannot be told now.
        """
        ...

    async def remove(self, owner: str) -> None:
        """Remove all files of an owner, kept or not; an owner without files is no error."""
        ...

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        """Return the owners with files that are not kept, none of which were written within that time."""
        ...
