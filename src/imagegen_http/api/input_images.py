"""Reads the input images of a body: data URLs, files of a form, or ids of stored images."""

import binascii
import contextlib
import re
from collections.abc import Iterator

from imagegen_core.errors import InvalidImage, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.tasks.submission import InputSource, StoredImage
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.problems.messages import RequestProblem

_DATA_URL = re.compile(rb"data:image\\?/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_STORED_IMAGE = re.compile(rb"image:([1-9][0-9]{0,17})")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")
_MAX_PREFIX_BYTES = 200
_PIECE_BYTES = 256 * 1024
_MAX_ESCAPE_BYTES = 6


class InputImages:
    """The images of one JSON body. Each is read once; then the body is no longer needed."""

    def __init__(self, body: BufferedBody) -> None:
        self._body = body
        self._unread = set(body.outline.images)

    @classmethod
    @contextlib.contextmanager
    def reading(cls, body: BufferedBody) -> Iterator["InputImages"]:
        """Yield the images of a body, and drop the body in the end.

        Raises:
            ValidationFailed: an image was not read, since it is in a field that takes none.
        """
        images = cls(body)
        yield images
        if images._unread:
            raise ValidationFailed.for_field("body", RequestProblem.STRAY_IMAGE())
        body.drop()

    async def read(self, text: str, field: str) -> InputSource:
        """Return the bytes of a data URL, or a reference to a stored image.

        Raises:
            InvalidImage: the text is neither, is not base64, or is too large.
        """
        return await self._body.read(lambda: self.read_now(text, field))

    def read_now(self, text: str, field: str) -> InputSource:
        """Do the same; blocks."""
        span = self._body.outline.images.get(text)
        if span is None:
            return read_image(text, field)
        self._unread.discard(text)
        start, end = span
        return _decode(self._body.text, start, end, field)


def read_image(text: str | bytes, field: str) -> InputSource:
    """Return the bytes of a data URL, or a reference to a stored image; blocks.

    Raises:
        InvalidImage: the text is neither, is not base64, or is too large.
    """
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if reference := _STORED_IMAGE.fullmatch(text):
        return StoredImage(id=int(reference[1]))
    return _decode(text, 0, len(text), field)


def _decode(text: Text, start: int, end: int, field: str) -> bytes:
    prefix = _DATA_URL.match(text[start : min(end, start + _MAX_PREFIX_BYTES)])
    if prefix is None:
        raise InvalidImage(field, RequestProblem.NOT_A_DATA_URL())
    start += prefix.end()
    if (end - start) * 3 // 4 > MAX_IMAGE_BYTES + 2 and b"\\" not in text[start : start + _PIECE_BYTES]:
        raise InvalidImage(field, ProblemCode.TOO_MANY_BYTES(maximum=MAX_IMAGE_BYTES))
    try:
        data = b"".join(_decode_pieces(text, start, end))
    except binascii.Error as error:
        raise InvalidImage(field, RequestProblem.NOT_BASE64()) from error
    if not data:
        raise InvalidImage(field, ProblemCode.EMPTY())
    return data


def _decode_pieces(text: Text, start: int, end: int) -> Iterator[bytes]:
    """Yield the decoded bytes piece by piece, since each call of the decoder blocks the interpreter."""
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
