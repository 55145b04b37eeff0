"""Temporary files of tasks, by folder."""

import pytest

from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blobs import SpoolOverflow
from tests.contracts.samples import content, pieces

pytestmark = pytest.mark.anyio


async def test_what_was_put_can_be_read_and_sought(spool):
    """A file is complete and seekable."""
    size = await spool.put("folder", "answer", pieces(b"ab", b"cd"), max_bytes=4)

    with spool.open("folder", "answer") as file:
        file.seek(1)
        assert (4, b"bcd") == (size, file.read())


async def test_files_are_listed_with_their_sizes(spool):
    """Those of one folder in the order of their names, kept or not; none of others, however they begin."""
    for folder, name in (("folder", "b"), ("folder", "a"), ("folder.kept", "c"), ("other", "d")):
        await spool.put(folder, name, pieces(name.encode() * 3), max_bytes=3)
    spooled = await spool.files("folder")
    await spool.keep("folder", ["b"])

    assert [("a", 3), ("b", 3)] == list(spooled.items())
    assert [{"b": 3}, {"c": 3}, {}] == [
        await spool.files(folder) for folder in ("folder", "folder.kept", "unknown")
    ]


async def test_what_is_brought_can_be_opened(spool):
    """Bringing changes nothing where the files are here already."""
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)
    await spool.fetch("folder")
    await spool.fetch("folder")

    with spool.open("folder", "answer") as file:
        assert b"x" == file.read()


async def test_bringing_nothing_is_no_error(spool):
    """Most responses are short, and in no file."""
    await spool.fetch("folder")

    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")


async def test_a_file_is_read_in_pieces(spool):
    """However large the file is, little of it is in memory."""
    data = bytes(range(256)) * 4096
    await spool.put("folder", "input", pieces(data), max_bytes=len(data))

    chunks = [chunk async for chunk in spool.chunks("folder", "input")]

    assert data == b"".join(chunks)
    assert max(map(len, chunks)) <= 512 * 1024


async def test_a_second_put_replaces_the_first(spool):
    """The latest bytes win."""
    await spool.put("folder", "answer", pieces(b"old"), max_bytes=9)
    await spool.put("folder", "answer", pieces(b"new"), max_bytes=9)

    with spool.open("folder", "answer") as file:
        assert b"new" == file.read()


async def test_too_much_is_refused_and_nothing_is_stored(spool):
    """The limit applies while the bytes arrive."""
    with pytest.raises(SpoolOverflow):
        await spool.put("folder", "answer", pieces(b"abc", b"de"), max_bytes=4)

    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")


async def test_a_source_that_fails_leaves_nothing(spool):
    """Its exception propagates."""

    async def broken():
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await spool.put("folder", "answer", broken(), max_bytes=99)

    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")


async def test_a_part_of_a_file_is_read(spool):
    """From one byte up to, but not including, another; kept or not."""
    await spool.put("folder", "input", pieces(b"0123456789"), max_bytes=10)
    before = await content(spool, "folder", "input", start=2, end=5)
    await spool.keep("folder", ["input"])

    after = await content(spool, "folder", "input", start=8)

    assert (b"234", b"89") == (before, after)


async def test_what_is_kept_stays_readable(spool):
    """The folder's other files go, and nobody who looks for what is no longer needed finds the folder."""
    for name in ("image", "mask", "copy"):
        await spool.put("folder", name, pieces(name.encode()), max_bytes=9)

    await spool.keep("folder", ["image", "mask", "never-put"])

    contents = [await content(spool, "folder", name) for name in ("image", "mask")]
    assert ([b"image", b"mask"], ()) == (contents, await spool.folders(older_than_seconds=-60))
    with pytest.raises(BlobMissing):
        await content(spool, "folder", "copy")


async def test_keeping_again_changes_nothing(spool):
    """Whoever was interrupted does it again; what was put since then takes the place of the old."""
    await spool.put("folder", "image", pieces(b"old"), max_bytes=9)
    await spool.put("folder", "mask", pieces(b"mask"), max_bytes=9)
    await spool.keep("folder", ["image", "mask"])
    await spool.keep("folder", ["image", "mask"])
    between = await content(spool, "folder", "image")
    await spool.put("folder", "image", pieces(b"new"), max_bytes=9)

    await spool.keep("folder", ["image"])

    after = [await content(spool, "folder", name) for name in ("image", "mask")]
    assert (b"old", [b"new", b"mask"]) == (between, after)


async def test_keeping_nothing_removes_everything(spool):
    """As for a task whose inputs are stored images; a folder without files is no error."""
    await spool.put("folder", "image", pieces(b"x"), max_bytes=1)

    await spool.keep("folder", [])
    await spool.keep("nobody", ["image"])

    assert frozenset() == await spool.holds(["folder", "nobody"])


async def test_who_has_files(spool):
    """Kept ones or not; of those that are asked for."""
    for folder in ("one", "two", "three", "two.attempt"):
        await spool.put(folder, "image", pieces(b"x"), max_bytes=1)
    await spool.keep("one", ["image"])
    await spool.remove("three")

    assert {"one", "two"} == await spool.holds(["one", "two", "three", "four"])
    assert frozenset() == await spool.holds([])


async def test_what_is_kept_is_removed_with_its_folder(spool):
    """Nothing of it is left."""
    await spool.put("folder", "image", pieces(b"x"), max_bytes=1)
    await spool.keep("folder", ["image"])

    await spool.remove("folder")

    assert frozenset() == await spool.holds(["folder"])
    with pytest.raises(BlobMissing):
        await content(spool, "folder", "image")


async def test_removing_a_folder_removes_its_files_only(spool, clock):
    """Other folders keep theirs; a folder without files is no error."""
    await spool.put("one", "a", pieces(b"1"), max_bytes=1)
    await spool.put("two", "a", pieces(b"2"), max_bytes=1)

    await spool.remove("one")
    await spool.remove("one")
    clock.advance(60)

    assert ("two",) == await spool.folders(older_than_seconds=0)


async def test_a_folder_has_the_age_of_its_files(spool, clock):
    """A folder is old if none of its files was written within that time."""
    before = await spool.folders(older_than_seconds=0)
    await spool.put("one", "a", pieces(b"1"), max_bytes=1)
    await spool.put("one", "b", pieces(b"2"), max_bytes=1)
    clock.advance(60)
    fresh = await spool.folders(older_than_seconds=0), await spool.folders(older_than_seconds=3600)
    clock.advance(3600)

    old = await spool.folders(older_than_seconds=3600)

    assert ((), (("one",), ()), ("one",)) == (before, fresh, old)


async def test_what_was_never_put_is_missing(spool):
    """A missing file raises; it is not an empty one."""
    with pytest.raises(BlobMissing):
        spool.open("nobody", "nothing")
    with pytest.raises(BlobMissing):
        await anext(aiter(spool.chunks("nobody", "nothing")))
