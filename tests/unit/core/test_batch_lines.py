"""A file of answers is split into lines, however it is cut, and none is ever in memory as a whole."""

import pytest

from imagegen_core.running.batch_jobs import lines_of

pytestmark = pytest.mark.anyio

LINES = [b"first", b"", b"a third one", b"last"]


async def pieces(content, size):
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def whole(lines):
    return [b"".join([piece async for piece in line]) async for line in lines]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_lines_are_those_of_the_file(size, end):
    """With or without an end of the last one."""
    content = b"\n".join(LINES) + end

    assert LINES == [*await whole(lines_of(pieces(content, size))), b""][: len(LINES)]


async def test_what_is_left_of_a_line_is_skipped():
    """So a line that is too long costs no other."""
    heads = []
    async for line in lines_of(pieces(b"12345\n67890\nabc", 2)):
        async for piece in line:
            heads.append(piece)
            break

    assert [b"12", b"67", b"ab"] == heads


async def test_a_long_line_comes_in_pieces():
    """No larger than those of the download."""
    sizes = [len(piece) async for line in lines_of(pieces(b"x" * 1000, 64)) async for piece in line]

    assert (1000, 64) == (sum(sizes), max(sizes))
