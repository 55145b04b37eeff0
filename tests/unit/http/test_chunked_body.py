"""Chunked bodies end where they say, however the network cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_http.server.framing import InvalidRequest, RequestBody

CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def fed(body, data, cuts=(10**9,)):
    """Feed a body piece by piece, the lengths of which repeat; return its content and what it left."""
    content, position, turn = bytearray(), 0, 0
    while position < len(data) and not body.is_complete:
        piece = bytearray(data[position : position + cuts[turn % len(cuts)]])
        position += body.feed(piece, content)
        turn += 1
    return bytes(content), data[position:]


def chunked(pieces):
    chunks = [b"%x;ignored\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return b"".join((*chunks, b"0\r\nX: dropped\r\n\r\n"))


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=8), after=st.binary(max_size=9), cuts=CUTS
)
def test_chunks_are_read_wherever_they_are_cut(pieces, after, cuts):
    """Sizes, extensions, data and trailers may arrive byte by byte."""
    body = RequestBody(None)

    assert (b"".join(pieces), after) == fed(body, chunked(pieces) + after, cuts)
    assert body.is_complete


@given(
    broken=st.sampled_from(
        (
            *(b"2 \r\n{}\r\n", b"0x2\r\n{}\r\n", b"2_0\r\n", b"+2\r\n", b"-2\r\n", b"\r\n", b"2\n{}\r\n"),
            *(b"2\r\n{}X\r\n", b"2\r\n{}\n", b"2\r\n{}\rX", b"2;\0\r\n", b"2;\r\r\n", b"g\r\n"),
            *(b"0\r\nX\r\n", b"0\r\nX : y\r\n", b"0\r\n y\r\n", b"0\r\nX: \0\r\n", b"0\r\n\n"),
            *(b"0\r\nTransfer-Encoding: x\r\n", b"0\r\ncontent-length: 2\r\n", b"0\r\nHost: x\r\n"),
            *(b"1" * 17 + b"\r\n", b"1" * 20_000, b"0\r\n" + b"X: y\r\n" * 5_000),
        )
    ),
    cuts=CUTS,
)
def test_broken_chunks_are_refused_wherever_they_are_cut(broken, cuts):
    """Before the request that they could hide."""
    with pytest.raises(InvalidRequest):
        fed(RequestBody(None), broken, cuts)


def test_many_tiny_chunks_are_refused_and_a_few_are_not():
    """Each costs as much work as a large one, whatever zeros and extensions make it look long."""
    assert (b" " * 256, b"") == fed(RequestBody(None), b"1\r\n \r\n" * 256 + b"0\r\n\r\n")
    for tiny in (b"1\r\n \r\n", b"0001\r\n \r\n", b"1;x\r\n \r\n"):
        with pytest.raises(InvalidRequest, match="larger chunks"):
            fed(RequestBody(None), tiny * 257)
