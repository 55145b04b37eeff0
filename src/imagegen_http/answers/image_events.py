"""A server-sent event with an image in it, in pieces."""

import base64
from collections.abc import Iterator

import msgspec

from imagegen_http.answers.fields import Answer

_PIECE_BYTES = 48 * 1024
"""A multiple of three, so that base64 needs no padding in between."""


def image_event(name: str, data: Answer, content: bytes) -> Iterator[bytes]:
    """Yield the event: ``data`` ends with a field for base64, empty so far, that ``content`` goes into.

    A client that stops reading costs one piece here and another in its connection.
    """
    text = msgspec.json.encode(data)
    yield b"event: %s\ndata: %s" % (name.encode(), text.removesuffix(b'"}'))
    rest = memoryview(content)
    while rest:
        yield base64.b64encode(rest[:_PIECE_BYTES])
        rest = rest[_PIECE_BYTES:]
    yield b'"}\n\n'
