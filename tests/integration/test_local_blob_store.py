"""The local blob store fulfils the contract of its port and leaves no temporary files."""

import asyncio
import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from imagegen_adapters.archives.oss import Crc64
from imagegen_adapters.files.local import AtomicFile, LocalBlobStore
from imagegen_core.errors import StorageError, StorageFull
from tests.contracts.samples import keys_of, stream

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path):
    store = LocalBlobStore(tmp_path / "blobs", checksum=Crc64)
    yield store
    store.close()


def _files(store):
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


async def test_files_and_directories_are_private(store):
    """No other user of the machine can read an image."""
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
    """Neither under its key nor under a temporary name."""

    async def breaking():
        yield b"x" * 600_000
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await store.put("images/a.png", breaking(), content_type="image/png")

    assert [] == _files(store)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_failing_disk_is_a_storage_error(store, monkeypatch, call, number):
    """Full or broken: the error contains no path, and nothing is left behind."""

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
    """An input/output error during a read is reported as such."""

    def fail(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    await store.put("a.png", stream([b"x"]), content_type="image/png")
    monkeypatch.setattr(os, "pread", fail)

    with pytest.raises(StorageError, match="Input/output error"):
        await anext(store.open("a.png"))


async def test_temporary_files_are_not_listed_and_are_swept(store):
    """The temporary file of a killed process is invisible and removed at the next start."""
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")
    (store.root / "images/b.png~123-0").write_bytes(b"half")

    listed = await keys_of(store)
    swept = await store.sweep_temporary()

    assert (["images/a.png"], 1, ["images/a.png"]) == (listed, swept, _files(store))


async def test_a_symbolic_link_is_not_followed(store, tmp_path):
    """A symbolic link placed in the store cannot make us serve a file outside it."""
    (tmp_path / "secret").write_bytes(b"secret")
    store.root.mkdir()
    (store.root / "a.png").symlink_to(tmp_path / "secret")

    assert await store.stat("a.png") is None
    with pytest.raises(StorageError):
        await anext(store.open("a.png"))


@pytest.fixture
def acts(monkeypatch):
    """Return a list of the syncs and renames from here on, in their order."""
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
    return acts


async def test_the_file_is_durable_before_its_name(store, acts):
    """The content is synced, then renamed, then the directory is synced; new parents are synced first."""
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")

    assert ["sync directory", "sync directory", "sync file", "name", "sync directory"] == acts


async def test_a_directory_that_was_there_before_is_made_durable_once(store, acts):
    """A process that was killed may have made it, and its neighbours, without syncing their names."""
    for name in ("01", "02"):
        (store.root / "images" / name).mkdir(parents=True)
    await store.put("images/01/a.png", stream([b"x"]), content_type="image/png")
    first = list(acts)
    acts.clear()
    for key in ("images/01/b.png", "images/02/b.png"):
        await store.put(key, stream([b"x"]), content_type="image/png")

    assert ["sync file", "name", *["sync directory"] * 4] == first
    assert ["sync file", "name", "sync directory"] * 2 == acts


async def test_no_put_is_durable_before_the_directory_that_another_makes(store, monkeypatch):
    """Else a power cut between the two would take what was promised."""
    store.root.mkdir()
    creation, may_sync = threading.Event(), threading.Event()
    real_fsync = os.fsync

    def fsync(fd):
        if not creation.is_set():
            creation.set()
            assert may_sync.wait(60)
        real_fsync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    first = asyncio.create_task(store.put("images/a.png", stream([b"x"]), content_type="image/png"))
    await asyncio.to_thread(creation.wait, 60)
    second = asyncio.create_task(store.put("images/b.png", stream([b"x"]), content_type="image/png"))
    done, _ = await asyncio.wait([second], timeout=0.2)
    may_sync.set()
    await asyncio.gather(first, second)

    assert set() == done


async def test_a_name_alone_can_be_made_durable(store, acts):
    """A process that was killed may have named the file, and nothing more."""
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")
    acts.clear()
    await store.sync("images/a.png")

    assert ["sync directory"] == acts


async def test_a_directory_that_was_removed_is_made_again(store):
    """As the directory of a spooled response is, while others are written."""
    await store.put("images/a.png", stream([b"x"]), content_type="image/png")
    (store.root / "images/a.png").unlink()
    (store.root / "images").rmdir()

    await store.put("images/a.png", stream([b"y"]), content_type="image/png")

    assert ["images/a.png"] == _files(store)


async def test_a_file_where_a_directory_should_be_is_a_storage_error(store):
    """Nothing is missing then."""
    await store.put("images", stream([b"x"]), content_type="image/png")

    with pytest.raises(StorageError):
        await store.put("images/a.png", stream([b"x"]), content_type="image/png")


async def test_many_concurrent_puts_buffer_no_more_than_a_few(store):
    """The more puts there are, the smaller the batches they write."""
    number, chunks, chunk = 400, 64, bytes(4096)
    begun, handed_over, resume = asyncio.Barrier(number), asyncio.Barrier(number + 1), asyncio.Event()

    async def source():
        await begun.wait()
        for _ in range(chunks):
            yield chunk
        await handed_over.wait()
        await resume.wait()

    puts = [
        asyncio.create_task(store.put(f"many/{n}.png", source(), content_type="image/png"))
        for n in range(number)
    ]
    await handed_over.wait()
    written = sum((store.root / name).stat().st_size for name in _files(store))
    resume.set()
    blobs = await asyncio.gather(*puts)

    assert number * chunks * len(chunk) - written <= 33 * 1024 * 1024
    assert {chunks * len(chunk)} == {blob.size_bytes for blob in blobs}


async def test_many_concurrent_readers_read_a_few_chunks_at_a_time(store):
    """If all chunks arrived at once, their readers would block the event loop for everybody else."""
    await store.put("picture", stream([bytes(100_000)] * 10), content_type="image/png")
    readers = [store.open("picture") for _ in range(100)]
    await asyncio.gather(*(anext(reader) for reader in readers))
    running, peak, run = 0, 0, store.run

    async def counted(function):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        try:
            return await run(function)
        finally:
            running -= 1

    store.run = counted
    chunks = await asyncio.gather(*(anext(reader) for reader in readers))

    assert (100, 8) == (len(chunks), peak)


async def test_what_fits_into_one_piece_takes_one_thread_once(store, monkeypatch):
    """Each hand-over to a thread wakes it and the event loop: one to put a small blob, one to read it."""
    calls = []
    start = store._threads.start

    def counted(function):
        calls.append(function)
        return start(function)

    monkeypatch.setattr(store._threads, "start", counted)
    await store.put("a.png", stream([b"x" * 1000] * 3), content_type="image/png")
    put_count = len(calls)
    content = [chunk async for chunk in store.open("a.png")]

    assert (1, 2, [b"x" * 3000]) == (put_count, len(calls), content)


@pytest.fixture
def narrow_store(tmp_path):
    """A store with one thread, which has ended all earlier calls when one returns."""
    store = LocalBlobStore(tmp_path / "blobs", threads=1)
    yield store
    store.close()


def _open_files(store):
    """Return the store's files that this process has open."""
    files = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
    return [file for file in files if file.startswith(str(store.root))]


async def test_a_cancelled_reader_leaves_no_open_file(narrow_store, monkeypatch):
    """Also when it leaves while the file is being opened."""
    await narrow_store.put("a.png", stream([bytes(600_000)] * 2), content_type="image/png")
    opened, resume, really = threading.Event(), threading.Event(), os.open

    def slow_open(*arguments, **more):
        fd = really(*arguments, **more)
        opened.set()
        resume.wait(60)
        return fd

    monkeypatch.setattr(os, "open", slow_open)
    reader = asyncio.create_task(anext(narrow_store.open("a.png")))
    await asyncio.to_thread(opened.wait, 60)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    monkeypatch.undo()
    resume.set()
    await narrow_store.stat("a.png")

    assert [] == _open_files(narrow_store)


async def test_a_reader_that_stops_early_leaves_no_open_file(narrow_store):
    """A client that disconnects after the first piece of a large image does so."""
    await narrow_store.put("a.png", stream([bytes(600_000)] * 2), content_type="image/png")

    for _ in range(4):
        chunks = narrow_store.open("a.png")
        await anext(chunks)
        await chunks.aclose()
    await narrow_store.stat("a.png")

    assert [] == _open_files(narrow_store)


@pytest.mark.parametrize("written", [[], [b"1"]], ids=["nothing written", "some written"])
async def test_what_was_abandoned_is_not_committed(tmp_path, written):
    """The thread that commits may come after the one that abandons; the descriptor is another file's then."""
    path, other = tmp_path / "a.png", tmp_path / "other"
    file = AtomicFile(path)
    if written:
        file.write(written)
    file.abandon()

    with other.open("wb"), pytest.raises(OSError, match="cancel"):
        file.commit([b"2"])

    assert ([other], b"") == (list(tmp_path.iterdir()), other.read_bytes())
