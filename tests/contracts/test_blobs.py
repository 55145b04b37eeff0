"""A store has a blob completely or not at all; an archive can prove that it has it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from imagegen_adapters.memory import MemoryBlobStore
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.images import StorageState
from tests.contracts.samples import keys_of, read, stream

pytestmark = pytest.mark.anyio

CONTENT_TYPE = "image/png"

SMALL = 1000

LARGE = 17 * 1024 * 1024
"""Size in bytes of a blob that an archive may upload in parts."""


async def put(blobs, key, data):
    """Store ``data`` in chunks of 1000 bytes."""
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    await blobs.put(key, stream(pieces), content_type=CONTENT_TYPE)


def random_bytes(size, seed=b"seed"):
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


async def copy(archive, source, key, size):
    """Copy a blob of ``size`` bytes."""
    return await archive.copy_from(source, key, size_bytes=size, content_type=CONTENT_TYPE)


async def test_bytes_come_back(blobs, raw_reader):
    """The bytes that were stored are read back, through the store and around it."""
    data = bytes(range(256)) * 40

    await put(blobs, "images/7.png", data)

    assert data == await read(blobs, "images/7.png")
    if raw_reader is not None:
        assert data == raw_reader("images/7.png")


async def test_put_returns_size_and_checksum(blobs):
    """Size and SHA-256 are known after a put."""
    data = b"123456789" * 1000

    blob = await blobs.put("a/b.png", stream([data]), content_type=CONTENT_TYPE)

    assert (len(data), hashlib.sha256(data).hexdigest()) == (blob.size_bytes, blob.sha256)


async def test_stat_returns_the_size(blobs):
    """`stat` returns the size of a stored blob."""
    await put(blobs, "a.png", b"x" * 3210)

    blob = await blobs.stat("a.png")

    assert blob is not None
    assert ("a.png", 3210) == (blob.key, blob.size_bytes)


async def test_an_empty_blob_is_a_blob(blobs):
    """A blob may have no bytes."""
    await blobs.put("empty.png", stream([]), content_type=CONTENT_TYPE)

    blob = await blobs.stat("empty.png")

    assert blob is not None
    assert (0, b"") == (blob.size_bytes, await read(blobs, "empty.png"))


async def test_big_blobs_come_in_small_chunks(blobs):
    """However the blob was stored, no chunk is larger than 1 MiB."""
    data = hashlib.sha256(b"seed").digest() * (3 * 1024 * 1024 // 32)
    await blobs.put("big.png", stream([data]), content_type=CONTENT_TYPE)

    chunks = [chunk async for chunk in blobs.open("big.png")]

    assert data == b"".join(chunks)
    assert max(len(chunk) for chunk in chunks) <= 1024 * 1024


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (0, None), (10, 20), (4990, None), (4999, 5000), (100, 9999), (7, 7)]
)
async def test_a_part_can_be_read(blobs, start, end):
    """``start`` is inclusive, ``end`` exclusive and may lie beyond the last byte."""
    data = bytes(at % 251 for at in range(5000))
    await put(blobs, "part.png", data)

    assert data[start:end] == await read(blobs, "part.png", start=start, end=end)


@pytest.mark.parametrize(("start", "end"), [(0, None), (3, None), (0, 2), (5, 5)])
async def test_a_missing_blob_is_missing(blobs, start, end):
    """Reading raises on the first iteration, whatever the range."""
    with pytest.raises(BlobMissing):
        await anext(blobs.open("none.png", start=start, end=end))


async def test_a_missing_blob_has_no_stat(blobs):
    """`stat` returns None."""
    assert await blobs.stat("a/none.png") is None


async def test_a_second_put_replaces(blobs):
    """The newer bytes win, even if they are fewer."""
    await put(blobs, "a.png", b"old" * 100)

    await put(blobs, "a.png", b"new")

    assert b"new" == await read(blobs, "a.png")


async def test_a_blob_that_is_made_durable_stays_as_it_is(blobs):
    """As one is whose process was killed at the end of its put."""
    await put(blobs, "a/b.png", b"x")

    await blobs.sync("a/b.png")

    assert b"x" == await read(blobs, "a/b.png")


async def test_nothing_to_make_durable_is_fine(blobs):
    """Neither without the blob nor without its directory."""
    await blobs.sync("none.png")
    await blobs.sync("a/none.png")

    assert [] == await keys_of(blobs)


async def test_a_failing_source_leaves_nothing(blobs, raw_reader):
    """Its exception propagates, and there is no blob, not even a partial one."""

    async def breaking():
        yield b"x" * 400_000
        await asyncio.sleep(0)
        raise OSError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        await blobs.put("half.png", breaking(), content_type=CONTENT_TYPE)

    assert await blobs.stat("half.png") is None
    assert [] == await keys_of(blobs)
    if raw_reader is not None:
        assert raw_reader("half.png") is None


async def test_a_failing_source_keeps_the_old_blob(blobs):
    """A put that fails does not change the blob that it was to replace."""

    async def breaking():
        yield b"new"
        raise RuntimeError("the source broke")

    await put(blobs, "a.png", b"old")
    with pytest.raises(RuntimeError):
        await blobs.put("a.png", breaking(), content_type=CONTENT_TYPE)

    assert b"old" == await read(blobs, "a.png")


async def test_a_cancelled_put_leaves_nothing(blobs):
    """A put that is cancelled halfway stores nothing."""
    waiting = asyncio.Event()

    async def endless():
        yield b"x" * 400_000
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(blobs.put("half.png", endless(), content_type=CONTENT_TYPE))
    await waiting.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    assert [] == await keys_of(blobs)


async def test_a_deleted_blob_is_gone(blobs, raw_reader):
    """A deleted blob can be neither read nor listed; others stay."""
    await put(blobs, "a/1.png", b"one")
    await put(blobs, "a/2.png", b"two")

    await blobs.delete("a/1.png")

    assert await blobs.stat("a/1.png") is None
    assert ["a/2.png"] == await keys_of(blobs)
    if raw_reader is not None:
        assert raw_reader("a/1.png") is None


async def test_deleting_nothing_is_fine(blobs):
    """Deleting a missing blob is no error."""
    await blobs.delete("a/none.png")

    assert await blobs.stat("a/none.png") is None


async def test_keys_are_listed_by_prefix(blobs):
    """A prefix may end anywhere within a key."""
    for key in ("images/01/a.png", "images/02/b.png", "thumbnails/01/a.webp"):
        await put(blobs, key, b"x")

    listed = {
        prefix: sorted(await keys_of(blobs, prefix))
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
async def test_a_key_cannot_leave_the_store(blobs, key):
    """Only characters that the port allows, and no path out of the store."""
    with pytest.raises(StorageError):
        await blobs.put(key, stream([b"x"]), content_type=CONTENT_TYPE)
    with pytest.raises(StorageError):
        await anext(blobs.open(key))
    with pytest.raises(StorageError):
        await blobs.delete(key)
    with pytest.raises(StorageError):
        await blobs.sync(key)


async def test_many_puts_at_once(blobs):
    """Blobs that are stored concurrently do not mix."""
    data = {f"many/{number}.png": bytes([number]) * 70_000 for number in range(20)}

    await asyncio.gather(*(put(blobs, key, content) for key, content in data.items()))

    assert data == {key: await read(blobs, key) for key in data}


async def test_readers_see_the_old_or_the_new(blobs):
    """A reader concurrent with a writer never gets a mixture."""
    old, new = b"o" * 300_000, b"n" * 300_000
    await put(blobs, "a.png", old)

    content, _ = await asyncio.gather(read(blobs, "a.png"), put(blobs, "a.png", new))

    assert content in {old, new}
    assert new == await read(blobs, "a.png")


async def test_its_own_checksum_is_known(archive, checksum):
    """`stat` returns size and checksum, and the state of an archived blob."""
    data = random_bytes(5000)
    await put(archive, "a.png", data)

    blob = await archive.stat("a.png")

    assert blob is not None
    expected = (5000, checksum(data), StorageState.ARCHIVE)
    assert expected == (blob.size_bytes, blob.archive_checksum, blob.state)


@pytest.mark.parametrize("size", [0, 1, SMALL, LARGE])
async def test_a_copy_is_the_same_blob(archive, checksum, raw_reader, size):
    """Bytes, size and both checksums are the same, also around the archive; the source keeps its blob."""
    data = random_bytes(size)
    source = MemoryBlobStore({"01/a.png": data, "01/b.png": b"another"})

    blob = await copy(archive, source, "01/a.png", size)

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


async def test_a_copy_replaces(archive):
    """The source's bytes replace what the archive had."""
    await put(archive, "a.png", b"old" * 1000)

    await copy(archive, MemoryBlobStore({"a.png": b"new"}), "a.png", 3)

    assert b"new" == await read(archive, "a.png")


async def test_a_missing_source_is_missing(archive):
    """There is nothing to copy or to compare with; the archive keeps what it has."""
    await put(archive, "b.png", b"archived")

    for key in ("a.png", "b.png"):
        with pytest.raises(BlobMissing):
            await copy(archive, MemoryBlobStore(), key, 1)
        with pytest.raises(BlobMissing):
            await archive.matches(MemoryBlobStore(), key)

    assert ["b.png"] == await keys_of(archive)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("difference", [-1, 1])
async def test_a_source_of_another_size_is_not_kept(archive, size, difference):
    """The record has the number of bytes; a source of any other size is damaged."""
    source = MemoryBlobStore({"a.png": random_bytes(size + difference)})

    with pytest.raises(StorageError):
        await copy(archive, source, "a.png", size)

    assert await archive.stat("a.png") is None
    assert [] == await keys_of(archive)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_an_interrupted_copy_is_completed_the_next_time(archive, checksum, size):
    """The source's error propagates, no partial blob is visible, and a later call completes the copy."""
    data = random_bytes(size)
    source = _BreakingStore({"a.png": data})
    source.good_bytes = size * 2 // 3
    with pytest.raises(StorageError, match="the disk failed"):
        await copy(archive, source, "a.png", size)
    before = await keys_of(archive)

    blob = await copy(archive, MemoryBlobStore({"a.png": data}), "a.png", size)

    assert ([], checksum(data)) == (before, blob.archive_checksum)
    assert data == await read(archive, "a.png")


@pytest.mark.parametrize(
    ("archived", "expected"),
    [(b"bytes", True), (None, False), (b"bytez", False), (b"byte", False), (b"bytes ", False)],
)
async def test_it_matches_the_same_checksum(archive, archived, *, expected):
    """The archive is compared with the bytes that the source has now."""
    if archived is not None:
        await put(archive, "a.png", archived)

    assert expected is await archive.matches(MemoryBlobStore({"a.png": b"bytes"}), "a.png")


async def test_a_damaged_source_does_not_match(archive):
    """A copy that once matched does not match after the source has changed."""
    source = MemoryBlobStore({"a.png": b"bytes"})
    await copy(archive, source, "a.png", 5)
    before = await archive.matches(source, "a.png")
    source.blobs["a.png"] = b"bytez"

    assert (True, False) == (before, await archive.matches(source, "a.png"))


async def test_an_archive_that_does_not_answer_is_unreachable(archive, outage):
    """Every method raises it, and none says that a blob is missing; afterwards all blobs are there."""
    source = MemoryBlobStore({"a.png": b"bytes"})
    await copy(archive, source, "a.png", 5)
    acts = (
        lambda: copy(archive, source, "a.png", 5),
        lambda: archive.matches(source, "a.png"),
        lambda: archive.stat("a.png"),
        lambda: read(archive, "a.png"),
        lambda: archive.put("b.png", stream([b"x"]), content_type=CONTENT_TYPE),
        lambda: archive.delete("a.png"),
        lambda: keys_of(archive),
    )

    with outage():
        for act in acts:
            with pytest.raises(StorageUnreachable):
                await act()

    assert (b"bytes", ["a.png"]) == (await read(archive, "a.png"), await keys_of(archive))
