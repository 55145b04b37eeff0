"""A cache on the local disk reads each blob once, stays within its size, and is never needed."""

import asyncio

import pytest

from imagegen_adapters.files.cache import CachedBlobStore, RecentBlobs
from imagegen_adapters.files.local import LocalBlobStore
from imagegen_adapters.memory import MemoryBlobStore
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from tests.contracts.samples import keys_of, read, stream

pytestmark = pytest.mark.anyio


class FarStore(MemoryBlobStore):
    """Notes which blobs are read, waits for ``gate`` before it gives any, and may be unreachable."""

    def __init__(self, blobs=None):
        super().__init__(blobs or {})
        self.opened = []
        self.is_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.reachable = True

    async def open(self, key, *, start=0, end=None):
        self.opened.append((key, start, end))
        self.is_asked.set()
        await self.gate.wait()
        if not self.reachable:
            raise StorageUnreachable("far away")
        async for chunk in super().open(key, start=start, end=end):
            yield chunk


@pytest.fixture
def files(tmp_path):
    files = LocalBlobStore(tmp_path / "cache", is_synced=False)
    yield files
    files.close()


@pytest.fixture
def far():
    return FarStore()


@pytest.fixture
def room():
    """Whether the disk has room."""
    return [True]


@pytest.fixture
def cache(far, files, room):
    return CachedBlobStore(far, files, max_bytes=1000, has_room=lambda: room[0])


async def test_a_blob_is_read_once(cache, far):
    """Also for parts of it, and by readers that come while it is fetched."""
    far.blobs["a.png"] = bytes(range(100))
    far.gate.clear()
    reads = [asyncio.create_task(read(cache, "a.png", start=number, end=50)) for number in range(10)]
    await far.is_asked.wait()
    far.gate.set()

    parts = await asyncio.gather(*reads)

    assert [bytes(range(number, 50)) for number in range(10)] == parts
    assert bytes(range(100)) == await read(cache, "a.png")
    assert [("a.png", 0, None)] == far.opened


async def test_a_reader_that_goes_away_does_not_stop_the_others(cache, far):
    """They share the fetch."""
    far.blobs["a.png"] = b"bytes"
    far.gate.clear()
    first, second = (asyncio.create_task(read(cache, "a.png")) for _ in range(2))
    await far.is_asked.wait()
    first.cancel()
    far.gate.set()

    assert b"bytes" == await second
    assert 1 == len(far.opened)


async def test_the_least_recently_read_make_room(cache, far, files):
    """And never more than its size is on the disk."""
    far.blobs = {f"{name}.png": bytes(400) for name in "abc"}
    for name in "abac":
        await read(cache, f"{name}.png")

    assert ["a.png", "c.png"] == sorted(await keys_of(files))
    await read(cache, "a.png")
    assert ["a.png", "b.png", "c.png"] == [key for key, *_ in far.opened]


async def test_a_blob_larger_than_the_cache_is_not_kept(cache, far, files):
    """Nor does it displace others."""
    far.blobs = {"a.png": bytes(400), "large.png": bytes(1001)}
    await read(cache, "a.png")

    assert bytes(1001) == await read(cache, "large.png")
    assert ["a.png"] == await keys_of(files)


async def test_blobs_that_are_fetched_at_once_do_not_exceed_it_either(cache, far, files):
    """Those without room are read directly."""
    far.blobs = {f"{number}.png": bytes(400) for number in range(5)}

    contents = await asyncio.gather(*(read(cache, key) for key in far.blobs))

    assert [bytes(400)] * 5 == contents
    assert 2 == len(await keys_of(files))


@pytest.mark.parametrize("damage", ["missing", "shorter", "longer"])
async def test_a_file_that_was_tampered_with_is_not_served(cache, far, files, damage):
    """The blob is fetched again."""
    far.blobs["a.png"] = b"bytes"
    await read(cache, "a.png")
    path = files.root / "a.png"
    match damage:
        case "missing":
            path.unlink()
        case "shorter":
            path.write_bytes(b"byte")
        case "longer":
            path.write_bytes(b"bytes and more")

    assert b"bytes" == await read(cache, "a.png")
    assert b"bytes" == path.read_bytes()


async def test_a_disk_that_fails_is_not_noticed(cache, far, files):
    """Nothing is kept, and everything is read."""
    files.root.parent.joinpath("cache").write_bytes(b"no directory")
    far.blobs["a.png"] = b"bytes"

    assert (b"bytes", b"yt") == (await read(cache, "a.png"), await read(cache, "a.png", start=1, end=3))


class BreakingFiles(LocalBlobStore):
    """A disk that fails after the first chunk of every file."""

    async def open(self, key, *, start=0, end=None):
        async for chunk in super().open(key, start=start, end=end):
            yield chunk
            raise StorageError("the disk failed")


@pytest.mark.parametrize("end", [None, 2_900_000])
async def test_a_disk_that_fails_in_the_middle_is_gone_on_with_from_the_store(far, tmp_path, end):
    """At the same offset."""
    data = bytes(range(250)) * 12_000
    far.blobs["a.png"] = data
    files = BreakingFiles(tmp_path / "cache")
    cache = CachedBlobStore(far, files, max_bytes=4_000_000, has_room=lambda: True)

    assert data[:end] == await read(cache, "a.png", end=end)
    assert 2 == len(far.opened)
    assert far.opened[1][1] > 0
    files.close()


async def test_what_is_not_known_of_the_store_is_its_own_error(cache, far):
    """The cache adds none."""
    far.blobs["a.png"] = b"bytes"
    far.reachable = False

    with pytest.raises(StorageUnreachable):
        await read(cache, "a.png")
    far.reachable = True
    with pytest.raises(BlobMissing):
        await read(cache, "none.png")

    assert b"bytes" == await read(cache, "a.png")


async def test_what_is_kept_is_read_while_the_store_is_away(cache, far):
    """That is more than was asked for."""
    far.blobs["a.png"] = b"bytes"
    await read(cache, "a.png")
    far.reachable = False

    assert b"bytes" == await read(cache, "a.png")


async def test_a_blob_that_is_replaced_while_it_is_fetched_is_not_kept(cache, far, files):
    """The next reader gets the new bytes."""
    far.blobs["a.png"] = b"old"
    far.gate.clear()
    reading = asyncio.create_task(read(cache, "a.png"))
    await far.is_asked.wait()
    await cache.put("a.png", stream([b"new"]), content_type="image/png")
    far.gate.set()
    await reading

    assert b"new" == await read(cache, "a.png")


async def test_it_begins_empty(cache, far, files):
    """A power cut may have damaged what was never synced."""
    far.blobs["a.png"] = b"bytes"
    await read(cache, "a.png")
    again = CachedBlobStore(far, files, max_bytes=1000, has_room=lambda: True)

    await again.clear()

    assert [] == await keys_of(files)
    assert b"bytes" == await read(again, "a.png")


# ---------------------------------------------------------------- a store of its own


@pytest.fixture
def recent(files, room):
    return RecentBlobs(files, max_bytes=1000, has_room=lambda: room[0])


async def put(store, key, data):
    await store.put(key, stream([data]), content_type="image/webp")


async def stored_keys(recent, files):
    """Return the keys of a store, which are those of its files."""
    keys = sorted(await keys_of(recent))
    assert keys == sorted(await keys_of(files))
    return keys


async def test_the_least_recently_shown_make_room(recent, files):
    """Never is more on the disk than allowed, whoever puts it at once, and how often."""
    for name in "ab":
        await put(recent, f"{name}.webp", bytes(400))
    await read(recent, "a.webp")
    await put(recent, "c.webp", bytes(400))
    keys_before = await stored_keys(recent, files)
    await asyncio.gather(*(put(recent, "a.webp", bytes(size)) for size in (10, 300, 400)))
    await asyncio.gather(*(put(recent, f"{number}.webp", bytes(300)) for number in range(9)))
    await put(recent, "large.webp", bytes(1001))
    after = await stored_keys(recent, files)
    for key in after:
        await recent.delete(key)

    assert ["a.webp", "c.webp"] == keys_before
    assert 3 == len(after)
    assert 0 == recent._total_bytes


@pytest.mark.parametrize("trouble", ["no room", "a broken disk"])
async def test_what_cannot_be_kept_is_missing(recent, files, room, trouble):
    """Nothing is left of it."""
    if trouble == "no room":
        room[0] = False
        await put(recent, "a.webp", b"bytes")
    else:
        files.root.write_bytes(b"no directory")
        with pytest.raises(StorageError):
            await put(recent, "a.webp", b"bytes")

    with pytest.raises(BlobMissing):
        await read(recent, "a.webp")
    assert (None, 0) == (await recent.stat("a.webp"), recent._total_bytes)


async def test_one_who_goes_away_while_it_is_put_leaves_it_counted(files):
    """A file that nobody counts would stay."""
    begun = asyncio.Event()
    recent = RecentBlobs(files, max_bytes=1000, has_room=lambda: begun.set() or True)
    putting = asyncio.create_task(put(recent, "a.webp", bytes(400)))
    await begun.wait()
    putting.cancel()
    await asyncio.gather(putting, *recent._running, return_exceptions=True)

    assert ["a.webp"] == await stored_keys(recent, files)
    assert 400 == recent._total_bytes


async def test_some_or_all_are_dropped(recent, files):
    """By a hint, which may be about what is not there."""
    for name in "abc":
        await put(recent, f"{name}.webp", bytes(300))
    for hint in ("b.webp", "none.png"):
        recent.drop(hint)
    await asyncio.gather(*recent._running)
    keys_before = await stored_keys(recent, files)
    recent.drop()
    await asyncio.gather(*recent._running)

    assert (["a.webp", "c.webp"], []) == (keys_before, await stored_keys(recent, files))
