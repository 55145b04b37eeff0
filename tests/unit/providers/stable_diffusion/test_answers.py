"""Answers with pictures are read without holding a picture in memory."""

import base64
import io
import json
import tracemalloc

import pytest

from imagegen_adapters.providers.stable_diffusion.answers import INLINE, Span, decoded, load, text
from imagegen_core.errors import CallError

pytestmark = pytest.mark.anyio

LONG = bytes(range(256)) * 1024


async def bytes_of(document, value):
    return b"".join([chunk async for chunk in decoded(lambda: io.BytesIO(document), value)])


@pytest.mark.parametrize(
    "value",
    [
        {"a": 'quote " and back\\slash', "b": [1, 2.5, None, True], "c": {}},
        {"\u0000": "\u0000 ü 猫 😀", "": ""},
        ["\\", '\\"', "\\\\", "x" * INLINE],
        "only a string",
    ],
)
def test_short_answers_are_plain_json(value):
    """Nothing changes as long as no string is long."""
    assert value == load(io.BytesIO(json.dumps(value).encode()))


@pytest.mark.parametrize("shift", range(0, 12, 3))
async def test_a_long_string_is_left_on_disk(shift):
    """It becomes the place where it stands, wherever the blocks fall, and decodes to the same bytes."""
    encoded = base64.b64encode(LONG).decode()
    document = json.dumps({"pad": "p" * shift, "images": [encoded, "c2hvcnQ="], "after": 1}).encode()

    answer = load(io.BytesIO(document))

    assert isinstance(answer["images"][0], Span)
    assert (LONG, b"short", 1) == (
        await bytes_of(document, answer["images"][0]),
        await bytes_of(document, answer["images"][1]),
        answer["after"],
    )


async def test_escaped_slashes_prefixes_line_breaks_and_missing_padding_are_understood():
    """All of them are seen in the wild."""
    encoded = base64.b64encode(LONG + b"x").decode().rstrip("=")
    lines = "\n".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))
    document = (
        json.dumps("data:image/png;base64," + lines).replace("/", "\\/").replace("+", "\\u002B").encode()
    )

    assert LONG + b"x" == await bytes_of(document, load(io.BytesIO(document)))


def test_a_long_text_can_still_be_read():
    """A long `info` is a text, not a picture."""
    value = '{"k": "\\" \u732b"}' * 5000
    file = io.BytesIO(json.dumps({"info": value}).encode())

    assert value == text(file, load(file)["info"])


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"<html>", b'{"a": "cut', b'{"a": "\\', b'{"\\u0000span": 1}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_not_json_is_a_bad_response(document):
    """Whatever is wrong with it, no foreign exception gets out."""
    with pytest.raises(CallError) as caught:
        load(io.BytesIO(document))

    assert "bad_response" == caught.value.failure.code


async def test_what_is_not_base64_is_a_bad_response():
    """A picture that cannot be decoded is found out when it is read."""
    with pytest.raises(CallError) as caught:
        await bytes_of(b"", "no base64!")

    assert "bad_response" == caught.value.failure.code


async def test_memory_does_not_grow_with_the_picture():
    """Forty megabytes of base64 are read and decoded within a few."""
    document = io.BytesIO(b'{"image": "' + base64.b64encode(bytes(30_000_000)) + b'"}')
    tracemalloc.start()

    with_span = load(document)["image"]
    size = 0
    async for chunk in decoded(lambda: _Unclosed(document.getbuffer()), with_span):
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 30_000_000 == size
    assert peak < 8_000_000


class _Unclosed(io.RawIOBase):
    """A file over a buffer, without a copy of it."""

    def __init__(self, view):
        self._view, self._at = view, 0

    def seek(self, position, whence=0):
        self._at = position
        return position

    def read(self, size=-1):
        piece = bytes(self._view[self._at : self._at + size])
        self._at += len(piece)
        return piece
