"""Bytes that are needed until a task ends: its input images and the providers' raw answers."""

from collections.abc import AsyncIterator
from typing import BinaryIO, Protocol


class SpoolOverflow(Exception):
    """More bytes came than the caller allowed; nothing was kept."""


class Spool(Protocol):
    """Files of an owner (a task or an attempt, by id) under short names of ``a-z 0-9 . _ -``."""

    async def put(self, owner: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Keep the bytes, durably, and return how many there are; an earlier file is replaced.

        Raises:
            SpoolOverflow: more than ``max_bytes``.
            StorageError: the bytes could not be kept.
        """
        ...

    def open(self, owner: str, name: str) -> BinaryIO:
        """Return the file, seekable, to be read in a thread and closed by the caller.

        Raises:
            BlobMissing: there is none.
        """
        ...

    def chunks(self, owner: str, name: str) -> AsyncIterator[bytes]:
        """Yield the file in pieces of at most 512 KiB, each read beside the event loop.

        Raises:
            BlobMissing: there is none.
            StorageError: the bytes cannot be read.
        """
        ...

    async def remove(self, owner: str) -> None:
        """Remove all files of an owner; one without files is fine."""
        ...

    async def owners(self, *, older_than_seconds: float) -> tuple[str, ...]:
        """Return the owners none of whose files was written within that time."""
        ...
