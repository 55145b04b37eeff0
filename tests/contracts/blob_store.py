"""The contract of a blob store, as tests to subclass.

A subclass provides the fixture ``store``, and may provide ``raw_reader``, which bypasses the store::

    class TestMyStore(BlobStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyBlobStore(tmp_path)
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.ports.blobs import BlobStore

RawReader = Callable[[str], bytes | None]


async def stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, letting other coroutines run in between."""
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def read(store: BlobStore, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    """Return the bytes of a blob, or a range of them."""
    return b"".join([chunk async for chunk in store.open(key, start=start, end=end)])


async def keys_of(store: BlobStore, prefix: str = "") -> list[str]:
    """Return the keys that a store lists."""
    return [key async for key in store.keys(prefix)]


class BlobStoreContract:
    """A store stores a blob completely or not at all."""

    content_type = "image/png"

    @pytest.fixture
    def store(self) -> BlobStore:
        """Return the empty store under test."""
        raise NotImplementedError

    @pytest.fixture
    def raw_reader(self) -> RawReader | None:
        """Return a function that reads the bytes of a key without the store; None if there is no such way."""
        return None

    async def put(self, store: BlobStore, key: str, data: bytes) -> None:
        """Store ``data`` in chunks of 1000 bytes."""
        pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
        await store.put(key, stream(pieces), content_type=self.content_type)

    async def test_bytes_come_back(self, store: BlobStore, raw_reader: RawReader | None) -> None:
        """The bytes that were stored are read back, through the store and around it."""
        data = bytes(range(256)) * 40

        await self.put(store, "images/7.png", data)

        assert data == await read(store, "images/7.png")
        if raw_reader is not None:
            assert data == raw_reader("images/7.png")

    async def test_put_returns_size_and_checksum(self, store: BlobStore) -> None:
        """Size and SHA-256 are known after a put."""
        data = b"123456789" * 1000

        blob = await store.put("a/b.png", stream([data]), content_type=self.content_type)

        assert (len(data), hashlib.sha256(data).hexdigest()) == (blob.size_bytes, blob.sha256)

    async def test_stat_returns_the_size(self, store: BlobStore) -> None:
        """`stat` returns the size of a stored blob."""
        await self.put(store, "a.png", b"x" * 3210)

        blob = await store.stat("a.png")

        assert blob is not None
        assert ("a.png", 3210) == (blob.key, blob.size_bytes)

    async def test_an_empty_blob_is_a_blob(self, store: BlobStore) -> None:
        """A blob may have no bytes."""
        await store.put("empty.png", stream([]), content_type=self.content_type)

        blob = await store.stat("empty.png")

        assert blob is not None
        assert (0, b"") == (blob.size_bytes, await read(store, "empty.png"))

    async def test_big_blobs_come_in_small_chunks(self, store: BlobStore) -> None:
        """However the blob was stored, no chunk is larger than 1 MiB."""
        data = hashlib.sha256(b"seed").digest() * (3 * 1024 * 1024 // 32)
        await store.put("big.png", stream([data]), content_type=self.content_type)

        chunks = [chunk async for chunk in store.open("big.png")]

        assert data == b"".join(chunks)
        assert max(len(chunk) for chunk in chunks) <= 1024 * 1024

    @pytest.mark.parametrize(
        ("start", "end"), [(0, 1), (0, None), (10, 20), (4990, None), (4999, 5000), (100, 9999), (7, 7)]
    )
    async def test_a_part_can_be_read(self, store: BlobStore, start: int, end: int | None) -> None:
        """``start`` is inclusive, ``end`` exclusive and may lie beyond the last byte."""
        data = bytes(at % 251 for at in range(5000))
        await self.put(store, "part.png", data)

        assert data[start:end] == await read(store, "part.png", start=start, end=end)

    @pytest.mark.parametrize(("start", "end"), [(0, None), (3, None), (0, 2), (5, 5)])
    async def test_a_missing_blob_is_missing(self, store: BlobStore, start: int, end: int | None) -> None:
        """Reading raises on the first iteration, whatever the range."""
        with pytest.raises(BlobMissing):
            await anext(store.open("none.png", start=start, end=end))

    async def test_a_missing_blob_has_no_stat(self, store: BlobStore) -> None:
        """`stat` returns None."""
        assert await store.stat("a/none.png") is None

    async def test_a_second_put_replaces(self, store: BlobStore) -> None:
        """The newer bytes win, even if they are fewer."""
        await self.put(store, "a.png", b"old" * 100)

        await self.put(store, "a.png", b"new")

        assert b"new" == await read(store, "a.png")

    async def test_a_blob_may_become_durable_later(self, store: BlobStore) -> None:
        """Until then it is a blob like any other. Its power supply is nothing that a test can cut."""
        await store.put("a/b.png", stream([b"x"]), content_type=self.content_type, durable=False)
        before = await read(store, "a/b.png")

        await store.sync("a/b.png")

        assert (b"x", b"x") == (before, await read(store, "a/b.png"))

    async def test_nothing_to_make_durable_is_fine(self, store: BlobStore) -> None:
        """Neither without the blob nor without its directory."""
        await store.sync("none.png")
        await store.sync("a/none.png")

        assert [] == await keys_of(store)

    async def test_a_failing_source_leaves_nothing(
        self, store: BlobStore, raw_reader: RawReader | None
    ) -> None:
        """Its exception propagates, and there is no blob, not even a partial one."""

        async def breaking() -> AsyncIterator[bytes]:
            yield b"x" * 400_000
            await asyncio.sleep(0)
            raise OSError("the source broke")

        with pytest.raises(OSError, match="the source broke"):
            await store.put("half.png", breaking(), content_type=self.content_type)

        assert await store.stat("half.png") is None
        assert [] == await keys_of(store)
        if raw_reader is not None:
            assert raw_reader("half.png") is None

    async def test_a_failing_source_keeps_the_old_blob(self, store: BlobStore) -> None:
        """A put that fails does not change the blob that it was to replace."""

        async def breaking() -> AsyncIterator[bytes]:
            yield b"new"
            raise RuntimeError("the source broke")

        await self.put(store, "a.png", b"old")
        with pytest.raises(RuntimeError):
            await store.put("a.png", breaking(), content_type=self.content_type)

        assert b"old" == await read(store, "a.png")

    async def test_a_cancelled_put_leaves_nothing(self, store: BlobStore) -> None:
        """A put that is cancelled halfway stores nothing."""
        waiting = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"x" * 400_000
            waiting.set()
            await asyncio.Event().wait()

        putting = asyncio.create_task(store.put("half.png", endless(), content_type=self.content_type))
        await waiting.wait()
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting

        assert [] == await keys_of(store)

    async def test_a_deleted_blob_is_gone(self, store: BlobStore, raw_reader: RawReader | None) -> None:
        """A deleted blob can be neither read nor listed; others stay."""
        await self.put(store, "a/1.png", b"one")
        await self.put(store, "a/2.png", b"two")

        await store.delete("a/1.png")

        assert await store.stat("a/1.png") is None
        assert ["a/2.png"] == await keys_of(store)
        if raw_reader is not None:
            assert raw_reader("a/1.png") is None

    async def test_deleting_nothing_is_fine(self, store: BlobStore) -> None:
        """Deleting a missing blob is no error."""
        await store.delete("a/none.png")

        assert await store.stat("a/none.png") is None

    async def test_keys_are_listed_by_prefix(self, store: BlobStore) -> None:
        """A prefix may end anywhere within a key."""
        for key in ("images/01/a.png", "images/02/b.png", "thumbnails/01/a.webp"):
            await self.put(store, key, b"x")

        listed = {
            prefix: sorted(await keys_of(store, prefix))
            for prefix in ("", "images/", "images/0", "images/02/b", "thumb", "nothing/here")
        }

        assert {
            "": ["images/01/a.png", "images/02/b.png", "thumbnails/01/a.webp"],
            "images/": ["images/01/a.png", "images/02/b.png"],
            "images/0": ["images/01/a.png", "images/02/b.png"],
            "images/02/b": ["images/02/b.png"],
            "thumb": ["thumbnails/01/a.webp"],
            "nothing/here": [],
        } == listed

    @pytest.mark.parametrize(
        "key",
        [
            *("", "/a", "a/", "a//b", "..", "../a", "a/../../b", ".", "a/./b", "A.png", "a b", "猫.png"),
            *("a\\b", "a~1", "a\n", "a\0", "a" * 201, "a/" * 300 + "a"),
        ],
    )
    async def test_a_key_cannot_leave_the_store(self, store: BlobStore, key: str) -> None:
        """Only characters that the port allows, and no path out of the store."""
        with pytest.raises(StorageError):
            await store.put(key, stream([b"x"]), content_type=self.content_type)
        with pytest.raises(StorageError):
            await anext(store.open(key))
        with pytest.raises(StorageError):
            await store.delete(key)
        with pytest.raises(StorageError):
            await store.sync(key)

    async def test_many_puts_at_once(self, store: BlobStore) -> None:
        """Blobs that are stored concurrently do not mix."""
        data = {f"many/{number}.png": bytes([number]) * 70_000 for number in range(20)}

        await asyncio.gather(*(self.put(store, key, content) for key, content in data.items()))

        assert data == {key: await read(store, key) for key in data}

    async def test_readers_see_the_old_or_the_new(self, store: BlobStore) -> None:
        """A reader concurrent with a writer never gets a mixture."""
        old, new = b"o" * 300_000, b"n" * 300_000
        await self.put(store, "a.png", old)

        content, _ = await asyncio.gather(read(store, "a.png"), self.put(store, "a.png", new))

        assert content in {old, new}
        assert new == await read(store, "a.png")
