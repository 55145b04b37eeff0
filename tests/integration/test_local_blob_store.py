"""The blob store in a directory keeps the promises of its port, and leaves no rubbish."""

import asyncio
import errno
import os
import stat
from datetime import UTC, datetime

import pytest

from imagegen_adapters.blob_stores.local import LocalBlobStore
from imagegen_adapters.testing.blob_store import BlobStoreContract, keys_of, stream
from imagegen_core.errors import StorageError, StorageFull

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path):
    store = LocalBlobStore(tmp_path / "blobs", crc64=True)
    yield store
    store.close()


def _files(store):
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


class TestLocalBlobStore(BlobStoreContract):
    @pytest.fixture
    def store(self, store):
        return store

    @pytest.fixture
    def raw_reader(self, store):
        def look(key):
            path = store.root / key
            return path.read_bytes() if path.exists() else None

        return look


async def test_files_and_directories_are_for_their_owner(store):
    """Nobody else on the machine can read an image."""
    await store.put("images/01/a.png", stream([b"x"]), content_type="image/png")

    modes = {
        str(path.relative_to(store.root.parent)): stat.S_IMODE(path.stat().st_mode)
        for path in (store.root, *store.root.rglob("*"))
    }

    assert {
        "blobs": 0o700,
        "blobs/images": 0o700,
        "blobs/images/01": 0o700,
        "blobs/images/01/a.png": 0o600,
    } == modes


async def test_a_failed_put_leaves_no_file(store):
    """Neither under the key nor under a temporary name."""

    async def breaking():
        yield b"x" * 600_000
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await store.put("images/a.png", breaking(), content_type="image/png")

    assert [] == _files(store)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_failing_disk_is_a_storage_error(store, monkeypatch, call, number):
    """Full or broken: the caller hears of it without a path, and nothing is left."""

    def fail(*_arguments, **_more):
        raise OSError(number, os.strerror(number), "/secret/path")

    await store.put("images/b.png", stream([b"x"]), content_type="image/png")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StorageError) as caught:
        await store.put("images/a.png", stream([b"x" * 600_000] * 2), content_type="image/png")

    assert f"blob 'images/a.png': {os.strerror(number)}" == str(caught.value)
    assert (number == errno.ENOSPC) == isinstance(caught.value, StorageFull)
    assert ["images/b.png"] == _files(store)


async def test_a_failing_read_is_a_storage_error(store, monkeypatch):
    """An input/output error while reading is told as such."""

    def fail(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    await store.put("a.png", stream([b"x"]), content_type="image/png")
    monkeypatch.setattr(os, "pread", fail)

    with pytest.raises(StorageError, match="Input/output error"):
        await anext(store.open("a.png"))


async def test_half_written_files_are_neither_listed_nor_kept(store):
    """What a killed process left is invisible, and swept at the next start."""
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")
    (store.root / "images/b.png~123-0").write_bytes(b"half")

    listed = await keys_of(store)
    swept = await store.sweep_temporary()

    assert (["images/a.png"], 1, ["images/a.png"]) == (listed, swept, _files(store))


async def test_only_old_half_written_files_are_swept_while_others_are_written(store):
    """A file that somebody may be writing now is left alone."""
    store.root.mkdir()
    for name, written in (("old.png~1-1", 1_000_000), ("new.png~1-2", 2_000_000)):
        (store.root / name).write_bytes(b"half")
        os.utime(store.root / name, (written, written))

    swept = await store.sweep_temporary(before=datetime.fromtimestamp(1_500_000, UTC))

    assert (1, ["new.png~1-2"]) == (swept, _files(store))


async def test_a_link_is_not_followed(store, tmp_path):
    """Somebody who can place a link in the store cannot make us serve another file."""
    (tmp_path / "secret").write_bytes(b"secret")
    store.root.mkdir()
    (store.root / "a.png").symlink_to(tmp_path / "secret")

    assert await store.stat("a.png") is None
    with pytest.raises(StorageError):
        await anext(store.open("a.png"))


async def test_the_file_is_durable_before_its_name(store, monkeypatch):
    """Content is synced, then named, then the directory is synced, and so is each new parent."""
    acts = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(fd):
        acts.append("sync directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "sync file")
        real_fsync(fd)

    def replace(source, target):
        acts.append("name")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")

    assert ["sync directory", "sync directory", "sync file", "name", "sync directory"] == acts


async def test_many_puts_at_once_hold_no_more_than_a_few(store):
    """The more there are, the sooner each goes to the disk with what it has."""
    number, pieces, piece = 400, 64, bytes(4096)
    begun, handed_over, go = asyncio.Barrier(number), asyncio.Barrier(number + 1), asyncio.Event()

    async def source():
        await begun.wait()
        for _ in range(pieces):
            yield piece
        await handed_over.wait()
        await go.wait()

    puts = [
        asyncio.create_task(store.put(f"many/{n}.png", source(), content_type="image/png"))
        for n in range(number)
    ]
    await handed_over.wait()
    written = sum((store.root / name).stat().st_size for name in _files(store))
    go.set()
    kept = await asyncio.gather(*puts)

    assert number * pieces * len(piece) - written <= 33 * 1024 * 1024
    assert {pieces * len(piece)} == {blob.size_bytes for blob in kept}


async def test_many_readers_at_once_read_a_few_pieces_at_a_time(store):
    """If all pieces came at the same moment, everybody else would wait for their readers."""
    await store.put("picture", stream([bytes(100_000)] * 10), content_type="image/png")
    readers = [store.open("picture") for _ in range(100)]
    await asyncio.gather(*(anext(reader) for reader in readers))
    running, most, run = 0, 0, store.run

    async def counted(act):
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await run(act)
        finally:
            running -= 1

    store.run = counted
    pieces = await asyncio.gather(*(anext(reader) for reader in readers))

    assert (100, 8) == (len(pieces), most)
