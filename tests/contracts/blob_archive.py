"""The contract of a blob archive, besides that of a blob store, as tests to subclass.

A subclass provides the fixtures ``archive``, ``checksum`` and ``outage``, and may provide ``raw_reader``,
which bypasses the archive::

    class TestMyArchive(BlobArchiveContract):
        @pytest.fixture
        def archive(self):
            return MyBlobArchive()

        @pytest.fixture
        def checksum(self):
            return lambda data: hashlib.sha256(data).hexdigest()

        @pytest.fixture
        def outage(self, archive):
            return archive.unreachable  # a context manager
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import pytest

from imagegen_adapters.memory.files import MemoryBlobStore
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from imagegen_core.ports.blobs import BlobArchive, BlobStore, StoredBlob
from tests.contracts.blob_store import BlobStoreContract, RawReader, keys_of, read, stream

Outage = Callable[[], AbstractContextManager[None]]

SMALL = 1000
LARGE = 17 * 1024 * 1024
"""Size in bytes of a blob that an archive may upload in parts."""


def random_bytes(size: int, seed: bytes = b"seed") -> bytes:
    """Return ``size`` pseudo-random bytes, which compress badly."""
    return hashlib.shake_128(seed).digest(size)


class _BreakingStore(MemoryBlobStore):
    """A source whose disk fails after the first ``good_bytes`` of every blob."""

    good_bytes = 0

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in super().open(key, start=start, end=end):
            start += len(chunk)
            if start > self.good_bytes:
                raise StorageError("the disk failed")
            yield chunk


class BlobArchiveContract(BlobStoreContract):
    """A second tier for blobs, which can prove that it has them."""

    @pytest.fixture
    def archive(self) -> BlobArchive:
        """Return the empty archive under test."""
        raise NotImplementedError

    @pytest.fixture
    def outage(self, archive: BlobArchive) -> Outage:
        """Return a context manager during which the archive does not respond."""
        raise NotImplementedError

    @pytest.fixture
    def checksum(self) -> Callable[[bytes], str]:
        """Return what computes the archive's own checksum of some bytes."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, archive: BlobArchive) -> BlobStore:
        """Return the archive, which is a blob store too."""
        return archive

    async def copy(self, archive: BlobArchive, source: BlobStore, key: str, size: int) -> StoredBlob:
        """Copy a blob of ``size`` bytes."""
        return await archive.copy_from(source, key, size_bytes=size, content_type=self.content_type)

    async def test_its_own_checksum_is_known(
        self, archive: BlobArchive, checksum: Callable[[bytes], str]
    ) -> None:
        """`stat` returns size and checksum, and the state of an archived blob."""
        data = random_bytes(5000)
        await self.put(archive, "a.png", data)

        blob = await archive.stat("a.png")

        assert blob is not None
        expected = (5000, checksum(data), StorageState.ARCHIVE)
        assert expected == (blob.size_bytes, blob.archive_checksum, blob.state)

    @pytest.mark.parametrize("size", [0, 1, SMALL, LARGE])
    async def test_a_copy_is_the_same_blob(
        self,
        archive: BlobArchive,
        checksum: Callable[[bytes], str],
        raw_reader: RawReader | None,
        size: int,
    ) -> None:
        """Bytes, size and both checksums are the same, also around the archive; the source keeps its blob."""
        data = random_bytes(size)
        source = MemoryBlobStore({"01/a.png": data, "01/b.png": b"another"})

        blob = await self.copy(archive, source, "01/a.png", size)

        assert (size, hashlib.sha256(data).hexdigest(), checksum(data), StorageState.ARCHIVE) == (
            blob.size_bytes,
            blob.sha256,
            blob.archive_checksum,
            blob.state,
        )
        assert (data, ["01/a.png"]) == (await read(archive, "01/a.png"), await keys_of(archive))
        assert data == source.blobs["01/a.png"]
        if raw_reader is not None:
            assert data == raw_reader("01/a.png")

    async def test_a_copy_replaces(self, archive: BlobArchive) -> None:
        """The source's bytes replace what the archive had."""
        await self.put(archive, "a.png", b"old" * 1000)

        await self.copy(archive, MemoryBlobStore({"a.png": b"new"}), "a.png", 3)

        assert b"new" == await read(archive, "a.png")

    async def test_a_missing_source_is_missing(self, archive: BlobArchive) -> None:
        """There is nothing to copy or to compare with; the archive keeps what it has."""
        await self.put(archive, "b.png", b"archived")

        for key in ("a.png", "b.png"):
            with pytest.raises(BlobMissing):
                await self.copy(archive, MemoryBlobStore(), key, 1)
            with pytest.raises(BlobMissing):
                await archive.matches(MemoryBlobStore(), key)

        assert ["b.png"] == await keys_of(archive)

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    @pytest.mark.parametrize("difference", [-1, 1])
    async def test_a_source_of_another_size_is_not_kept(
        self, archive: BlobArchive, size: int, difference: int
    ) -> None:
        """The record has the number of bytes; a source of any other size is damaged."""
        source = MemoryBlobStore({"a.png": random_bytes(size + difference)})

        with pytest.raises(StorageError):
            await self.copy(archive, source, "a.png", size)

        assert await archive.stat("a.png") is None
        assert [] == await keys_of(archive)

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    async def test_an_interrupted_copy_is_completed_the_next_time(
        self, archive: BlobArchive, checksum: Callable[[bytes], str], size: int
    ) -> None:
        """The source's error propagates, no partial blob is visible, and a later call completes the copy."""
        data = random_bytes(size)
        source = _BreakingStore({"a.png": data})
        source.good_bytes = size * 2 // 3
        with pytest.raises(StorageError, match="the disk failed"):
            await self.copy(archive, source, "a.png", size)
        before = await keys_of(archive)

        blob = await self.copy(archive, MemoryBlobStore({"a.png": data}), "a.png", size)

        assert ([], checksum(data)) == (before, blob.archive_checksum)
        assert data == await read(archive, "a.png")

    @pytest.mark.parametrize(
        ("archived", "expected"),
        [(b"bytes", True), (None, False), (b"bytez", False), (b"byte", False), (b"bytes ", False)],
    )
    async def test_it_matches_the_same_checksum(
        self, archive: BlobArchive, archived: bytes | None, *, expected: bool
    ) -> None:
        """The archive is compared with the bytes that the source has now."""
        if archived is not None:
            await self.put(archive, "a.png", archived)

        assert expected is await archive.matches(MemoryBlobStore({"a.png": b"bytes"}), "a.png")

    async def test_a_damaged_source_does_not_match(self, archive: BlobArchive) -> None:
        """A copy that once matched does not match after the source has changed."""
        source = MemoryBlobStore({"a.png": b"bytes"})
        await self.copy(archive, source, "a.png", 5)
        before = await archive.matches(source, "a.png")
        source.blobs["a.png"] = b"bytez"

        assert (True, False) == (before, await archive.matches(source, "a.png"))

    async def test_an_archive_that_does_not_answer_is_unreachable(
        self, archive: BlobArchive, outage: Outage
    ) -> None:
        """Every method raises it, and none says that a blob is missing; afterwards all blobs are there."""
        source = MemoryBlobStore({"a.png": b"bytes"})
        await self.copy(archive, source, "a.png", 5)
        acts = (
            lambda: self.copy(archive, source, "a.png", 5),
            lambda: archive.matches(source, "a.png"),
            lambda: archive.stat("a.png"),
            lambda: read(archive, "a.png"),
            lambda: archive.put("b.png", stream([b"x"]), content_type=self.content_type),
            lambda: archive.delete("a.png"),
            lambda: keys_of(archive),
        )

        with outage():
            for act in acts:
                with pytest.raises(StorageUnreachable):
                    await act()

        assert (b"bytes", ["a.png"]) == (await read(archive, "a.png"), await keys_of(archive))
