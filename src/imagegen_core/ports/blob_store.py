"""Durable bytes under keys."""

from collections.abc import AsyncIterator
from typing import Protocol

import attrs

from imagegen_core.images import StorageState


@attrs.frozen(kw_only=True)
class StoredBlob:
    """What a store knows about a blob; checksums are None if they take reading the bytes.

    ``archive_checksum`` is what an archive compares by, opaque to everybody else.
    """

    key: str
    size_bytes: int
    sha256: str | None = None
    archive_checksum: str | None = None
    state: StorageState = StorageState.LOCAL


class BlobStore(Protocol):
    """Keys are relative paths of ``a-z 0-9 . _ -`` and ``/``, made from ids, never from user input."""

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str, durable: bool = True
    ) -> StoredBlob:
        """Store the bytes; when this returns they are complete and durable. Size and sha256 are filled in.

        An existing blob is replaced atomically: readers see the old bytes or the new ones. If ``chunks``
        raises, nothing is stored and its exception propagates.

        Unless ``durable``, the blob survives the end of the process, but a power cut only after `sync`, or
        after a durable put of a key in the same directory. So two blobs of one directory cost one wait less.

        Raises:
            StorageError: the bytes could not be stored; nothing is left behind.
        """
        ...

    async def sync(self, key: str) -> None:
        """Make a blob durable that was put without; a missing one is no error.

        Raises:
            StorageError: it may not be durable.
        """
        ...

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, but not including, ``end``, in chunks of at most 1 MiB.

        Raises (on the first iteration):
            BlobMissing: there is no such key.
            StorageUnreachable: the store that has it does not respond now.
        """
        ...

    async def stat(self, key: str) -> StoredBlob | None:
        """Return what is known about the blob; None if there is none.

        Raises:
            StorageUnreachable: the store does not respond now.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the blob; a missing one is no error."""
        ...

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield the keys that start with ``prefix``, in any order; unfinished blobs are never among them."""
        ...
