"""Reads images out of a body: data URLs, files of a form, or the ids of those that are kept here."""

import binascii
import contextlib
import re
from collections.abc import Iterator

from imagegen_core.errors import InvalidImage, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.tasks.submission import InputSource, StoredImage
from imagegen_http.guard import BufferedBody, Text

_DATA_URL = re.compile(rb"data:image\\?/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_STORED_IMAGE = re.compile(rb"image:([1-9][0-9]{0,17})")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")
_MAX_PREFIX_BYTES = 200
_PIECE_BYTES = 256 * 1024
_MAX_ESCAPE_BYTES = 6


class InputImages:
    """The images of one JSON body, each of which is read once; then the body is no longer needed."""

    def __init__(self, buffered_body: BufferedBody) -> None:
        self._body = buffered_body
        self._unread = set(buffered_body.outline.images)

    @classmethod
    @contextlib.contextmanager
    def of(cls, buffered_body: BufferedBody) -> Iterator["InputImages"]:
        """Give the images of a body.

        Raises:
            ValidationFailed: one is left, for which no field of the body has a use.
        """
        images = cls(buffered_body)
        yield images
        if images._unread:
            raise ValidationFailed.of("body", "has an image in a field that takes none")
        buffered_body.drop()

    async def read(self, text: str, field: str) -> InputSource:
        """Return the bytes of a data URL, or a reference to a kept image.

        Raises:
            InvalidImage: it is neither, is not base64, or is too large.
        """
        return await self._body.read(lambda: self.read_now(text, field))

    def read_now(self, text: str, field: str) -> InputSource:
        """Do the same; blocks."""
        place = self._body.outline.images.get(text)
        if place is None:
            return read_image(text, field)
        self._unread.discard(text)
        return _decode(self._body.text, place[0], place[1], field)


def read_image(text: str | bytes, field: str) -> InputSource:
    """Return the bytes of a data URL, or a reference to a kept image; blocks.

    Raises:
        InvalidImage: it is neither, is not base64, or is too large.
    """
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if kept := _STORED_IMAGE.fullmatch(text):
        return StoredImage(id=int(kept[1]))
    return _decode(text, 0, len(text), field)


def _decode(text: Text, start: int, end: int, field: str) -> bytes:
    prefix = _DATA_URL.match(text[start : min(end, start + _MAX_PREFIX_BYTES)])
    if prefix is None:
        raise InvalidImage(field, "must be a data:image/…;base64, URL or image:<id>")
    start += prefix.end()
    if (end - start) * 3 // 4 > MAX_IMAGE_BYTES + 2 and b"\\" not in text[start : start + _PIECE_BYTES]:
        raise InvalidImage(field, f"must be at most {MAX_IMAGE_BYTES} bytes")
    try:
        data = b"".join(_decode_pieces(text, start, end))
    except binascii.Error as error:
        raise InvalidImage(field, "is not base64") from error
    if not data:
        raise InvalidImage(field, "is empty")
    return data


def _decode_pieces(text: Text, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes piece by piece: each call holds the interpreter until it returns."""
    carry = b""
    while start < end:
        stop = min(start + _PIECE_BYTES, end)
        if stop < end and (escape := text.rfind(b"\\", stop - _MAX_ESCAPE_BYTES, stop)) > start:
            stop = escape
        piece = carry + _ESCAPE.sub(_unescaped, bytes(text[start:stop]))
        start = stop
        whole = len(piece) // 4 * 4 if start < end else len(piece)
        carry, piece = piece[whole:], piece[:whole]
        if start < end and piece.endswith(b"="):
            raise binascii.Error("there is more after the padding")
        yield binascii.a2b_base64(piece + b"=" * (-len(piece) % 4), strict_mode=True)


def _unescaped(match: "re.Match[bytes]") -> bytes:
    return b"/" if match[1] is None else bytes((int(match[1], 16),))
