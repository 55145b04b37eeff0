"""Responses with images are read without holding an image in memory."""

import base64
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.providers.common import json_files
from imagegen_adapters.providers.common.json_files import (
    MAX_INLINE_STRING_BYTES,
    MAX_JSON_BYTES,
    SpooledString,
    decode_base64,
    decode_chunks,
    parse_spooled,
    read_string,
    read_text,
)
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.values import valid_json

pytestmark = pytest.mark.anyio

IMAGE = bytes(range(256)) * 300


async def bytes_of(document, text):
    return b"".join([block async for block in decode_chunks(lambda: io.BytesIO(document), text)])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4),
        max_leaves=12,
    )
)
def test_an_answer_without_long_strings_is_itself(value):
    """Scanning preserves the JSON, except for invalid characters."""
    response = parse_spooled(io.BytesIO(json.dumps(value).encode()))

    assert [valid_json(value)] * 2 == [response.tree, response.resolved()]


@pytest.mark.parametrize("block", [1, 5, 64, 70_000, 2**20])
@pytest.mark.parametrize("escaped", [False, True])
def test_long_strings_stay_in_the_file(monkeypatch, block, escaped):
    """Whatever the block size and escapes, short strings are parsed and long ones located."""
    monkeypatch.setattr(json_files, "BLOCK_BYTES", block)
    monkeypatch.setattr(json_files, "MAX_INLINE_STRING_BYTES", 200)
    image = IMAGE[:3000]
    text = base64.b64encode(image).decode()
    tree = {'odd\\"key': "\\", "long": f"data:image/png;base64,{text}", "cjk": "猫" * 40, "last": '"\\\\"'}
    written = json.dumps(tree, ensure_ascii=False)
    if escaped:
        written = written.replace("/", "\\/").replace("+", "\\u002b")
    file = io.BytesIO(written.encode())

    parsed = parse_spooled(file)
    place = parsed.resolve(parsed.tree["long"])

    assert {**tree, "long": None} == {**parsed.tree, "long": None}
    assert place == parsed.resolved()["long"]
    assert "data:image" == parsed.display_text(parsed.tree["long"])[:10] or escaped
    assert image == b"".join(decode_base64([b"".join(read_string(file, place))]))


@pytest.mark.parametrize("value", [b"1,", b"[],", b'{"a":1},'])
def test_an_answer_of_very_many_values_is_not_parsed(value):
    """Four megabytes of them would take a hundred in memory, and block everything else."""
    response = b"[" + value * (MAX_JSON_BYTES // len(value) - 10) + b"0]"

    with pytest.raises(CallError) as caught:
        parse_spooled(io.BytesIO(response))

    assert FailureCode.BAD_RESPONSE is caught.value.failure.code


async def test_long_and_short_images_decode_alike():
    """Whether it is inline or spooled."""
    encoded = [base64.b64encode(image).decode() for image in (IMAGE, b"short")]
    document = json.dumps({"images": encoded}).encode()

    long, short = parse_spooled(io.BytesIO(document)).resolved()["images"]

    assert (SpooledString, str) == (type(long), type(short))
    assert (IMAGE, b"short") == (await bytes_of(document, long), await bytes_of(document, short))


async def test_escaped_slashes_prefixes_line_breaks_and_missing_padding_are_understood():
    """All of them occur in practice."""
    encoded = base64.b64encode(IMAGE + b"x").decode().rstrip("=")
    lines = "\n".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))
    document = (
        json.dumps("data:image/png;base64," + lines).replace("/", "\\/").replace("+", "\\u002B").encode()
    )

    assert IMAGE + b"x" == await bytes_of(document, parse_spooled(io.BytesIO(document)).resolved())


@pytest.mark.parametrize(
    "text",
    [b"aGVsbG8_-w==", b"aGVsbG8/+w", b"data:image/png;base64,aGVsbG8/+w==", b"aGVs\r\nbG8/\n+w=="],
)
def test_base64_in_all_spellings(text):
    """Both alphabets, no padding, line breaks and a data URI prefix decode alike."""
    assert b"hello?\xfb" == b"".join(decode_base64([text]))


@given(st.binary(min_size=1, max_size=200), st.booleans(), st.booleans(), st.integers(1, 50))
def test_any_bytes_come_back(data, url_safe, padded, size):
    """Standard and URL-safe base64, with and without padding, in pieces of any length."""
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data)
    text = text if padded else text.rstrip(b"=")
    pieces = [text[start : start + size] for start in range(0, len(text), size)]

    assert data == b"".join(decode_base64(pieces))


@pytest.mark.parametrize("text", ["!!!!", "AAA=AAAA", "A", "猫猫猫猫", "", "data:image/png;base64,"])
async def test_what_is_no_base64_is_a_bad_response(text):
    """The error comes when the image is read, and nothing is guessed."""
    with pytest.raises(CallError) as caught:
        await bytes_of(b"", text)

    assert FailureCode.BAD_RESPONSE == caught.value.failure.code


@pytest.mark.parametrize(
    "document",
    [
        *(b"", b" \n", b"{", b"<html>", b'{"a": "cut', b'{"a": "\\', b"\xff\xfe", b"[" * 100_000),
        b'{"a": "' + b"A" * (MAX_INLINE_STRING_BYTES + 9),
        b"[" * 900 + b'"' + b"A" * (MAX_INLINE_STRING_BYTES + 9),
    ],
)
def test_what_is_no_json_is_a_bad_response(document):
    """Whatever is wrong with it, no foreign exception escapes."""
    with pytest.raises(CallError) as caught:
        parse_spooled(io.BytesIO(document)).resolved()

    assert FailureCode.BAD_RESPONSE == caught.value.failure.code


def test_json_without_images_is_bounded():
    """A hostile response of millions of small values is not parsed."""
    with pytest.raises(CallError, match="too much JSON"):
        parse_spooled(io.BytesIO(b"[" + b"[]," * 2_000_000 + b"[]]"))


def test_a_long_text_can_still_be_read():
    """A long `info` is a text, not an image."""
    value = '{"k": "\\" \u732b"}' * 5000
    file = io.BytesIO(json.dumps({"info": value, "short": "s", "none": 1}).encode())

    response = parse_spooled(file).resolved()

    assert [value, "s", None] == [read_text(file, response[name]) for name in ("info", "short", "none")]


def test_a_text_that_is_too_long_is_a_bad_response():
    """Only images are that long."""
    with pytest.raises(CallError, match="too long"):
        read_text(io.BytesIO(), SpooledString(offset=0, length=MAX_JSON_BYTES + 1))


async def test_memory_does_not_grow_with_the_image():
    """Forty megabytes of base64 are decoded with a few megabytes of memory."""
    document = io.BytesIO(b'{"image": "' + base64.b64encode(bytes(30_000_000)) + b'"}')
    tracemalloc.start()

    place = parse_spooled(document).resolved()["image"]
    size = 0
    async for block in decode_chunks(lambda: _Unclosed(document.getbuffer()), place):
        size += len(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 30_000_000 == size
    assert peak < 12_000_000


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
