"""Reads pictures out of a body: data URLs, files of a form, or the ids of those that are kept here."""

import binascii
import contextlib
import re
from collections.abc import Iterator

from imagegen_core.errors import InvalidImage, ValidationFailed
from imagegen_core.images import MAX_BYTES
from imagegen_core.submissions import InputSource, KeptImage
from imagegen_http.guard import HeldBody, Text

_DATA_URL = re.compile(rb"data:image\\?/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_KEPT = re.compile(rb"image:([1-9][0-9]{0,17})")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")
_HEAD_BYTES = 200
_PIECE = 256 * 1024
_LONGEST_ESCAPE = 6


class InputPictures:
    """The pictures of one JSON body, each of which is read once; then the body is no longer needed."""

    def __init__(self, held: HeldBody) -> None:
        self._held = held
        self._unread = set(held.outline.pictures)

    @classmethod
    @contextlib.contextmanager
    def of(cls, held: HeldBody) -> Iterator["InputPictures"]:
        """Give the pictures of a body.

        Raises:
            ValidationFailed: one is left, for which no field of the body has a use.
        """
        pictures = cls(held)
        yield pictures
        if pictures._unread:
            raise ValidationFailed.of("body", "has an image in a field that takes none")
        held.drop()

    async def read(self, text: str, field: str) -> InputSource:
        """Return the bytes of a data URL, or a reference to a kept picture.

        Raises:
            InvalidImage: it is neither, is not base64, or is too large.
        """
        return await self._held.read(lambda: self.read_now(text, field))

    def read_now(self, text: str, field: str) -> InputSource:
        """Do the same; blocks."""
        place = self._held.outline.pictures.get(text)
        if place is None:
            return read_picture(text, field)
        self._unread.discard(text)
        return _decoded(self._held.text, place[0], place[1], field)


def read_picture(text: str | bytes, field: str) -> InputSource:
    """Return the bytes of a data URL, or a reference to a kept picture; blocks.

    Raises:
        InvalidImage: it is neither, is not base64, or is too large.
    """
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if kept := _KEPT.fullmatch(text):
        return KeptImage(id=int(kept[1]))
    return _decoded(text, 0, len(text), field)


def _decoded(text: Text, start: int, end: int, field: str) -> bytes:
    prefix = _DATA_URL.match(text[start : min(end, start + _HEAD_BYTES)])
    if prefix is None:
        raise InvalidImage(field, "must be a data:image/…;base64, URL or image:<id>")
    start += prefix.end()
    if (end - start) * 3 // 4 > MAX_BYTES + 2 and b"\\" not in text[start : start + _PIECE]:
        raise InvalidImage(field, f"must be at most {MAX_BYTES} bytes")
    try:
        data = b"".join(_pieces(text, start, end))
    except binascii.Error as error:
        raise InvalidImage(field, "is not base64") from error
    if not data:
        raise InvalidImage(field, "is empty")
    return data


def _pieces(text: Text, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes piece by piece: each call holds the interpreter until it returns."""
    carry = b""
    while start < end:
        stop = min(start + _PIECE, end)
        if stop < end and (escape := text.rfind(b"\\", stop - _LONGEST_ESCAPE, stop)) > start:
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
