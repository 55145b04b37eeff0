"""The contract of a spool, as tests to subclass.

A subclass provides the fixture ``spool``, an empty one over the suite's own ``clock``::

    class TestMySpool(SpoolContract):
        @pytest.fixture
        def spool(self, clock):
            return MySpool(clock)
"""

from collections.abc import AsyncIterator

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.clocks.system import SystemClock
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.spool import Spool, SpoolOverflow


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield the parts."""
    for part in parts:
        yield part


class SpoolContract:
    """Temporary files of tasks, by owner."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """Return the spool's clock, which starts at the real time: file systems have clocks of their own."""
        return ManualClock(SystemClock().now())

    @pytest.fixture
    def spool(self, clock: ManualClock) -> Spool:
        """Return the empty spool under test."""
        raise NotImplementedError

    async def test_what_was_put_can_be_read_and_sought(self, spool: Spool) -> None:
        """A file is complete and seekable."""
        size = await spool.put("owner", "answer", pieces(b"ab", b"cd"), max_bytes=4)

        with spool.open("owner", "answer") as file:
            file.seek(1)
            assert (4, b"bcd") == (size, file.read())

    async def test_what_is_brought_can_be_opened(self, spool: Spool) -> None:
        """Bringing changes nothing where the files are here already."""
        await spool.put("owner", "answer", pieces(b"x"), max_bytes=1)
        await spool.bring("owner")
        await spool.bring("owner")

        with spool.open("owner", "answer") as file:
            assert b"x" == file.read()

    async def test_bringing_nothing_is_no_error(self, spool: Spool) -> None:
        """Most responses are short, and in no file."""
        await spool.bring("owner")

        with pytest.raises(BlobMissing):
            spool.open("owner", "answer")

    async def test_a_file_is_read_in_pieces(self, spool: Spool) -> None:
        """However large the file is, little of it is in memory."""
        data = bytes(range(256)) * 4096
        await spool.put("owner", "input", pieces(data), max_bytes=len(data))

        chunks = [chunk async for chunk in spool.chunks("owner", "input")]

        assert data == b"".join(chunks)
        assert max(map(len, chunks)) <= 512 * 1024

    async def test_a_second_put_replaces_the_first(self, spool: Spool) -> None:
        """The latest bytes win."""
        await spool.put("owner", "answer", pieces(b"old"), max_bytes=9)
        await spool.put("owner", "answer", pieces(b"new"), max_bytes=9)

        with spool.open("owner", "answer") as file:
            assert b"new" == file.read()

    async def test_too_much_is_refused_and_nothing_is_stored(self, spool: Spool) -> None:
        """The limit applies while the bytes arrive."""
        with pytest.raises(SpoolOverflow):
            await spool.put("owner", "answer", pieces(b"abc", b"de"), max_bytes=4)

        with pytest.raises(BlobMissing):
            spool.open("owner", "answer")

    async def test_a_source_that_fails_leaves_nothing(self, spool: Spool) -> None:
        """Its exception propagates."""

        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await spool.put("owner", "answer", broken(), max_bytes=99)

        with pytest.raises(BlobMissing):
            spool.open("owner", "answer")

    async def test_removing_an_owner_removes_its_files_only(self, spool: Spool, clock: ManualClock) -> None:
        """Other owners keep theirs; an owner without files is no error."""
        await spool.put("one", "a", pieces(b"1"), max_bytes=1)
        await spool.put("two", "a", pieces(b"2"), max_bytes=1)

        await spool.remove("one")
        await spool.remove("one")
        clock.advance(60)

        assert ("two",) == await spool.owners(older_than_seconds=0)

    async def test_an_owner_has_the_age_of_its_files(self, spool: Spool, clock: ManualClock) -> None:
        """An owner is old if none of its files was written within that time."""
        before = await spool.owners(older_than_seconds=0)
        await spool.put("one", "a", pieces(b"1"), max_bytes=1)
        await spool.put("one", "b", pieces(b"2"), max_bytes=1)
        clock.advance(60)
        fresh = await spool.owners(older_than_seconds=0), await spool.owners(older_than_seconds=3600)
        clock.advance(3600)

        old = await spool.owners(older_than_seconds=3600)

        assert ((), (("one",), ()), ("one",)) == (before, fresh, old)

    async def test_what_was_never_put_is_missing(self, spool: Spool) -> None:
        """A missing file raises; it is not an empty one."""
        with pytest.raises(BlobMissing):
            spool.open("nobody", "nothing")
        with pytest.raises(BlobMissing):
            await anext(aiter(spool.chunks("nobody", "nothing")))
