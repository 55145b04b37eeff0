"""Reading pictures out of JSON without holding them."""

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.providers.gemini import spooled_json
from imagegen_adapters.providers.gemini.spooled_json import (
    LONGEST_KEPT,
    Span,
    decode,
    decode_text,
    read_skeleton,
)

PICTURE = bytes(range(256)) * 400


def document(text, **more):
    return io.BytesIO(json.dumps({"a": [{"data": text}], **more}).encode())


def test_long_strings_stay_on_disk():
    """The document has everything but the long string, which is a place in the file."""
    text = base64.b64encode(PICTURE).decode()
    file = document(text, b=1, c="kept")

    skeleton = read_skeleton(file)

    span = skeleton["a"][0]["data"]
    assert (1, "kept") == (skeleton["b"], skeleton["c"])
    assert text.encode() == file.getvalue()[span.start : span.end]


@pytest.mark.parametrize("block", [1, 7, 1000, 1024 * 1024])
def test_blocks_of_any_size_give_the_same(monkeypatch, block):
    """Quotes, escapes and base64 groups may lie across the edge of a block."""
    monkeypatch.setattr(spooled_json, "_BLOCK", block)
    monkeypatch.setattr(spooled_json, "LONGEST_KEPT", 16)
    picture = bytes(range(251, 255)) * 40 + b"x"
    text = base64.b64encode(picture).decode()
    raw = json.dumps({"t": 'a "quoted\\" one'}).encode()[:-1] + b', "data": "'
    raw += text.replace("/", "\\/").replace("=", "\\u003d").encode() + b'"}'

    skeleton = read_skeleton(io.BytesIO(raw))

    assert picture == b"".join(decode(io.BytesIO(raw), skeleton["data"]))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=8), v, max_size=4),
        max_leaves=12,
    )
)
def test_a_document_without_long_strings_is_itself(value):
    """Scanning changes nothing that JSON says."""
    assert value == read_skeleton(io.BytesIO(json.dumps(value).encode()))


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_any_bytes_come_back(data, url_safe, padded):
    """Standard and URL-safe base64, with and without padding."""
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    text = text if padded else text.rstrip("=")

    assert data == decode_text(text)
    assert data == b"".join(decode(io.BytesIO(text.encode()), Span(0, len(text))))


@pytest.mark.parametrize("text", ["!!!!", "AAA=AAAA", "A", "猫猫猫猫"])
def test_what_is_no_base64_is_an_error(text):
    """It is said, and nothing is guessed."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message
        decode_text(text)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'{"a": "cut', b'{"a": "' + b"A" * (LONGEST_KEPT + 9), b"[" * 100_000]
)
def test_what_is_no_json_is_an_error(raw):
    """Also when the end is missing, in a long string or in too many brackets."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message
        read_skeleton(io.BytesIO(raw))


def test_much_that_is_no_string_is_an_error():
    """A page of nine megabytes is not read to its end."""
    with pytest.raises(ValueError, match="too large"):
        read_skeleton(io.BytesIO(b"<p>" * 3_000_000 + b"x" * 2_000_000))
