"""Bytes under keys: the blob store, the archive behind it and its outbox, and the spool of tasks' files."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.images import StorageState
from imagegen_core.messages import Message, StorageCode

MAX_KEY_CHARS = 512
"""Length of a whole key. OSS allows 1,023 bytes, including the prefix configured for the bucket."""

MAX_SEGMENT_CHARS = 200
"""Length between two slashes. File systems allow 255 bytes, including the suffix of a temporary name."""

THUMBNAIL_SUFFIX = ".thumb.webp"
_SEGMENT = re.compile(rf"[a-z0-9._-]{{1,{MAX_SEGMENT_CHARS}}}")


def is_key(text: str) -> bool:
    """Return whether the text is a key; no segment of one leads out of the store."""
    return len(text) <= MAX_KEY_CHARS and all(
        _SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/")
    )


def thumbnail_key(blob_key: str) -> str:
    """Return the key of an image's thumbnail by that of its bytes."""
    return blob_key.rpartition(".")[0] + THUMBNAIL_SUFFIX


def check_key(key: str) -> str:
    """Return the key; raises `StorageError` if it is not valid."""
    if not is_key(key):
        raise StorageError(StorageCode.NOT_A_BLOB_KEY(key=key[:MAX_KEY_CHARS]))
    return key


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

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        """Store the bytes, complete and durable on return. Size and sha256 are filled in.

        An existing blob is replaced atomically. If ``chunks`` raises, nothing is stored and its exception
        propagates.

        Raises:
            StorageError: the bytes could not be stored; nothing is left behind.
        """

    async def sync(self, key: str) -> None:
        """Make a blob durable whose `put` a killed process did not end; a missing one is no error.

        Raises:
            StorageError: it may not be durable.
        """

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, but not including, ``end``, in chunks of at most 1 MiB.

        Raises (on the first iteration):
            BlobMissing: there is no such key.
            StorageUnreachable: the store that has it does not respond now.
        """

    async def stat(self, key: str) -> StoredBlob | None:
        """Return what is known about the blob; None if there is none.

        Raises:
            StorageUnreachable: the store does not respond now.
        """

    async def delete(self, key: str) -> None:
        """Remove the blob; a missing one is no error."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield the keys that start with ``prefix``, in any order, without unfinished blobs."""


class BlobArchive(BlobStore, Protocol):
    """A blob store whose `stat` returns its own ``archive_checksum``, which proves that it has the bytes.

    The state of its blobs is ``oss``. While it does not respond, every method raises `StorageUnreachable`.
    """

    async def copy_from(
        self, source: BlobStore, key: str, *, size_bytes: int, content_type: str
    ) -> StoredBlob:
        """Copy a blob from another store under the same key; return its size and checksums.

        A large blob is uploaded in parts; a later call resumes an interrupted upload.

        Raises:
            BlobMissing: the source has no such blob.
            StorageError: it refused, or size (also the source's) or checksum differ; it keeps nothing.
        """

    async def matches(self, source: BlobStore, key: str) -> bool:
        """Return whether the archive's own size and checksum match the source's present bytes.

        Raises:
            BlobMissing: the source has no such blob.
        """


class SpoolOverflow(Exception):
    """There were more bytes than the caller allowed; nothing was stored."""


async def joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield bytes of which ``head`` was read to learn what they are."""
    yield head
    async for chunk in rest:
        yield chunk


async def bounded(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the chunks; raises `SpoolOverflow` before the one that exceeds ``max_bytes``."""
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise SpoolOverflow
        yield chunk


class Spool(Protocol):
    """Files in folders (one a task or an attempt, by id) under short names of ``a-z 0-9 . _ -``.

    A kept file stays readable until it is removed. `folders` leaves it out at no cost.

    Raises:
        BlobMissing: there is no such file to `open`, or for `chunks`.
        StorageError: it could not be read or stored now.
    """

    async def put(self, folder: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Store the bytes durably, in place of an earlier file, and return their number.

        Raises:
            SpoolOverflow: there are more than ``max_bytes``.
        """

    async def fetch(self, folder: str) -> None:
        """Copy the folder's files that other nodes wrote, so that `open` finds them; there may be none."""

    def open(self, folder: str, name: str) -> BinaryIO:
        """Return a seekable file that this process put or fetched; read it in a thread, and close it."""

    def chunks(
        self, folder: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to ``end`` in chunks of at most 512 KiB, read off the event loop.

        A file that is kept meanwhile is read to its end.
        """

    async def keep(self, folder: str, names: Collection[str]) -> None:
        """Keep these files for good, durably; remove the folder's others, but for those kept before.

        Idempotent: a missing file is no error. If this raises, what could not be done is as it was.
        """

    async def files(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of each file in the folder, kept or not, in the order of names."""

    async def holds(self, folders: Collection[str]) -> frozenset[str]:
        """Return those of the folders that have any file, kept or not."""

    async def remove(self, folder: str) -> None:
        """Remove all files of a folder, kept or not; there may be none."""

    async def folders(self, *, older_than_seconds: float) -> tuple[str, ...]:
        """Return the folders whose files that are not kept are all older than that."""


# ---------------------------------------------------------------- what the archive still has to do

MAX_DEFERRAL = timedelta(hours=1)
"""An entry due later than this was deferred before the clock was set back."""


class OutboxKind(StrEnum):
    """``upload``: copy an image to the archive. ``remove``: remove a blob from every store."""

    UPLOAD = "upload"
    REMOVE = "remove"


@attrs.frozen(kw_only=True)
class OutboxEntry:
    """One upload or removal; ``attempts`` counts the tries, ``last_error`` is of the last one."""

    id: int
    kind: OutboxKind
    blob_key: str
    image_id: int | None = None
    attempts: int = 0
    not_before: datetime | None = None
    last_error: Message | None = None


@attrs.frozen(kw_only=True)
class OutboxCounts:
    """Counts of waiting entries; ``failing`` of them were tried before, ``last_error`` is the latest.

    ``next_due`` is when the earliest deferred entry becomes due; None if none is deferred.
    """

    uploads: int
    removals: int
    failing: int
    last_error: Message | None = None
    next_due: datetime | None = None


class Outbox(Protocol):
    """Removals are added by `Gallery.delete`, in its transaction. Every write here is durable."""

    async def add_missing_uploads(self, *, limit: int = 1000) -> int:
        """Queue uploads of images that are only local, oldest first; return how many.

        They were stored before an archive was configured, or just before a crash.
        """

    async def claim(
        self, *, due: datetime | None, after: int = 0, limit: int = 16
    ) -> tuple[OutboxEntry, ...]:
        """Return entries with ids above ``after``, in that order, their attempts incremented durably.

        ``due`` leaves out those deferred beyond it, but none by more than `MAX_DEFERRAL`: the clock was set
        back.
        """

    async def complete(self, entry: OutboxEntry) -> None:
        """Remove the entry; a missing one is no error."""

    async def defer(self, entry: OutboxEntry, *, not_before: datetime, error: Message) -> None:
        """Defer the entry and record the error; a removed entry stays removed."""

    async def counts(self) -> OutboxCounts:
        """Count the waiting entries."""
