"""What a scan knows of a JSON text before it is parsed."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_core.errors import InvalidImage, ValidationFailed
from imagegen_http.api.requests import read_images
from imagegen_http.guard.asgi import RequestRefused
from imagegen_http.guard.bodies import (
    MAX_VALUES,
    MIN_EXTRACTED_IMAGE_BYTES,
    BufferedBody,
    outline,
)

IMAGE = bytes(range(256)) * 4096
"""A megabyte: several pieces."""


def is_deeper_than(limit, text):
    try:
        outline(text, max_depth=limit, extract_images=False)
    except RequestRefused:
        return True
    return False


def held_with(text):
    buffered_body = BufferedBody(bytearray(text))
    buffered_body.outline = outline(buffered_body.text, max_depth=64, extract_images=True)
    return buffered_body


def data_url(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("text", "is_deep"),
    [
        (b"[" * 64 + b"]" * 64, False),
        (b"[" * 65 + b"]" * 65, True),
        (b'{"a":' * 65 + b"1" + b"}" * 65, True),
        (b"[{" * 40 + b"}]" * 40, True),
        (b"[" * 200_000, True),
        (b"[]," * 1000, False),
        (b"[" + b"[{}]," * 1000 + b"[" * 63 + b"]" * 63 + b"]", False),
        (b'"' + b"[" * 1000 + b'"', False),
        (b'"\\"' + b"[" * 1000 + b'"', False),
        (b'"\\\\"' + b"[" * 1000, True),
        (b'"\\\\\\"' + b"[" * 1000 + b'"', False),
        (b'"\\n"' + b"[" * 1000, True),
        (b'["a","b",' + b"[" * 1000, True),
        (b"]" * 1000, False),
        (b"", False),
    ],
)
def test_depth_counts_brackets_outside_strings(text, is_deep):
    """The depth that a parser would have to nest, up to a limit."""
    assert is_deep == is_deeper_than(64, text)


JSON_VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='ab[]{}"\\\n 猫'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a"\\['), inner, max_size=3),
    max_leaves=30,
)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(JSON_VALUES, st.integers(1, 6), st.booleans())
def test_depth_agrees_with_the_parsed_value(value, limit, as_ascii):
    """For any JSON the scan and the parser see the same depth."""
    text = json.dumps(value, ensure_ascii=as_ascii).encode()

    assert (depth(value) > limit) == is_deeper_than(limit, text)


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"1," * MAX_VALUES + b"1]",
        b"[" + b"[]," * MAX_VALUES + b"1]",
        b"{" + b'"a":1,' * MAX_VALUES + b'"a":1}',
        b'""' * 500_000,
        b'"' + b'\\"' * 500_000,
    ],
)
def test_a_text_of_very_many_values_is_not_parsed(text):
    """Quotes are limited as well."""
    with pytest.raises(RequestRefused):
        outline(text, max_depth=64, extract_images=False)


def test_marks_inside_a_text_are_no_values():
    """A prompt may consist of commas."""
    text = json.dumps({"prompt": ",[{" * 30_000}).encode()

    assert text == outline(text, max_depth=64, extract_images=False).text


@given(JSON_VALUES)
def test_an_outline_without_images_is_the_text(value):
    """Unchanged."""
    text = json.dumps(value).encode()

    assert (text, {}) == (outline(text, max_depth=64, extract_images=True).text, {})


@pytest.mark.parametrize("escaped", [{}, {"/": "\\/"}, {"+": "\\u002B"}])
def test_images_are_read_where_they_are(escaped):
    """The parser sees a placeholder for each; with escaped slash and plus, also across two pieces."""
    text = json.dumps({"prompt": "a cat", "image": data_url(IMAGE), "n": 1})
    buffered_body = held_with(text.translate(str.maketrans(escaped)).encode())
    tree = json.loads(buffered_body.outline.text)
    data = read_images(buffered_body, {"image": tree["image"]})["image"]

    assert {"prompt": "a cat", "n": 1} == {name: tree[name] for name in ("prompt", "n")}
    assert len(buffered_body.outline.text) < 200
    assert IMAGE == data


def test_an_image_where_none_belongs_is_refused():
    """Its placeholder must not be taken for a text."""
    buffered_body = held_with(json.dumps({"prompt": data_url(IMAGE)}).encode())

    with pytest.raises(ValidationFailed):
        read_images(buffered_body, {})


@pytest.mark.parametrize("spoilt", ["=", "*", "\\n", "A"])
def test_invalid_base64_is_refused(spoilt):
    """At any position."""
    text = data_url(IMAGE)
    middle = len(text) // 2
    buffered_body = held_with(('"' + text[:middle] + spoilt + text[middle:] + '"').encode())

    with pytest.raises(InvalidImage):
        read_images(buffered_body, {"image": json.loads(buffered_body.outline.text)})


def test_much_text_beside_images_is_refused():
    """A body may be long only because of its images."""
    text = json.dumps({"prompt": "a" * 3_000_000, "image": data_url(IMAGE)}).encode()

    with pytest.raises(RequestRefused):
        outline(text, max_depth=64, extract_images=True)


def test_a_short_image_is_a_text():
    """Parsing it costs nothing."""
    text = json.dumps({"image": data_url(IMAGE[: MIN_EXTRACTED_IMAGE_BYTES // 2])}).encode()

    assert text == outline(text, max_depth=64, extract_images=True).text
