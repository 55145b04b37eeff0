"""Bytes under keys, kept for good."""

from collections.abc import AsyncIterator
from typing import Protocol

import attrs

from imagegen_core.images import StorageState


@attrs.frozen(kw_only=True)
class StoredBlob:
    """What a store knows of a blob. ``sha256`` and ``crc64`` are None where only a rereading would tell."""

    key: str
    size_bytes: int
    sha256: str | None = None
    crc64: int | None = None
    state: StorageState = StorageState.LOCAL


class BlobStore(Protocol):
    """Keys are relative paths of ``a-z 0-9 . _ -`` and ``/``, made from ids, never from what people type."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        """Keep the bytes; they are durable and whole when this returns, with size and sha256 filled in.

        A key that exists is replaced at once, readers see the old or the new bytes. When ``chunks``
        raises, nothing is kept and its exception goes on.

        Raises:
            StorageError: the bytes could not be kept; nothing is left behind.
        """
        ...

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, in chunks of at most 1 MiB.

        Raises (at the first step):
            BlobMissing: no such key.
            StorageUnreachable: the store that holds it does not answer now.
        """
        ...

    async def stat(self, key: str) -> StoredBlob | None:
        """Return what is known of the blob, or None when there is none.

        Raises:
            StorageUnreachable: nobody can tell now.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the blob; one that is not there is fine."""
        ...

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield the keys that start with ``prefix``, in no order; half-written blobs are never among them."""
        ...
