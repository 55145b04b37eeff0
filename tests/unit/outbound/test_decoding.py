import gzip
import zlib

import httpx
import pytest

from imagegen_adapters.outbound.transport import PIECE_BYTES, check_encoding, gunzipped

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


async def in_pieces(data, size=1000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def decoded(data, size=1000):
    return [piece async for piece in gunzipped(in_pieces(data, size))]


@pytest.mark.parametrize("size", [1, 7, 1000, MIB])
async def test_gzip_is_undone_however_it_was_cut(size):
    """Chunk boundaries make no difference."""
    text = b"".join(b"%d " % number for number in range(20000))

    assert text == b"".join(await decoded(gzip.compress(text), size))


async def test_several_members_are_one_body():
    """Gzip may consist of several members."""
    assert b"onetwo" == b"".join(await decoded(gzip.compress(b"one") + gzip.compress(b"two")))


async def test_pieces_are_small():
    """A small chunk that expands is yielded in pieces."""
    pieces = await decoded(gzip.compress(bytes(8 * MIB)), MIB)

    assert PIECE_BYTES >= max(map(len, pieces))


async def test_a_bomb_ends_the_decoding_early():
    """A gigabyte in a megabyte is refused after a few megabytes."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()
    sizes = []

    async def read():
        async for piece in gunzipped(in_pieces(bomb, 65536)):
            sizes.append(len(piece))  # noqa: PERF401 - the loop ends by an exception

    with pytest.raises(httpx.DecodingError):
        await read()

    assert sum(sizes) <= 17 * MIB


async def test_a_cut_body_is_noticed():
    """A truncated gzip body is a broken connection, not a response."""
    with pytest.raises(httpx.RemoteProtocolError):
        await decoded(gzip.compress(b"x" * 1000)[:-9])


async def test_something_else_is_no_gzip():
    """Bytes that only claim to be gzip are refused."""
    with pytest.raises(httpx.DecodingError):
        await decoded(b"<html>")


@pytest.mark.parametrize("name", ["br", "zstd", "deflate", "gzip, gzip", "compress", "gzip, br"])
def test_encodings_that_were_not_asked_for_are_refused(name):
    """Only gzip is decoded."""
    with pytest.raises(httpx.DecodingError):
        check_encoding(name)
