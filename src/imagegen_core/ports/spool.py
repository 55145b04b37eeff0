"""Temporary files of a task until it ends: its input images and the providers' raw responses."""

from collections.abc import AsyncIterator
from typing import BinaryIO, Protocol


class SpoolOverflow(Exception):
    """There were more bytes than the caller allowed; nothing was stored."""


class Spool(Protocol):
    """Files of an owner (a task or an attempt, by id) under short names of ``a-z 0-9 . _ -``."""

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

    def chunks(self, owner: str, name: str) -> AsyncIterator[bytes]:
        """Yield the file in chunks of at most 512 KiB, each read off the event loop.

        Raises:
            BlobMissing: there is none.
            StorageError: the bytes cannot be read.
        """
        ...

    async def remove(self, owner: str) -> None:
        """Remove all files of an owner; an owner without files is no error."""
        ...

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        """Return the owners none of whose files were written within that time."""
        ...
