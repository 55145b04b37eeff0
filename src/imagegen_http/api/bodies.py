"""Request bodies, parsed strictly, and their images: ``"60"`` is no number, an unknown field is refused."""

import binascii
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from imagegen_core.errors import InvalidImage, ValidationFailed, text_problems
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Problem, ProblemCode
from imagegen_core.task import ImageReference, InputSource
from imagegen_http.errors import RequestProblem
from imagegen_http.guard.asgi import Scope
from imagegen_http.guard.bodies import BufferedBody, Text
from imagegen_http.schemas import Body
from imagegen_http.shapes import problems_of

_MAX_DIGITS = 300
"""Longer integers are read as infinity, which is out of range."""


class JsonRequest(Request[Any, Any, Any]):
    """Parses bodies strictly; Litestar's lenient parsing remains for query parameters."""

    @property
    def buffered_body(self) -> BufferedBody:
        """The body that the guard buffered; `json` returns placeholders for its large images."""
        scope: Scope = self.scope  # type: ignore[assignment] # plain ASGI, for which Litestar has its own type
        return BufferedBody.from_scope(scope)

    async def body(self) -> bytes:
        """Return the body without its large images: Litestar keeps a copy until the response."""
        text = self.buffered_body.outline.text or await super().body()
        return cast("bytes", text)  # or a bytearray that nobody modifies

    async def json(self) -> Any:
        declared = self.route_handler.parsed_data_field
        return decoded(await self.body(), declared.annotation if declared else Any)


def decoded(body: Text, declared: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=declared)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # not JSON, or of another type
        wrong_type = isinstance(error, msgspec.ValidationError)
        raise ValidationFailed(*_problems(body, declared if wrong_type else None)) from error


def converted(fields: Any, declared: Any) -> Any:
    """Convert the texts of a form."""
    try:
        return msgspec.convert(fields, declared, strict=False)
    except msgspec.ValidationError as error:
        problems = tuple(problems_of(fields, declared, from_text=True))
        raise ValidationFailed(*problems or (_BODY_INVALID,)) from error


_BODY_INVALID = Problem(field="body", reason=ProblemCode.INVALID())


def _problems(body: Text, declared: Any) -> tuple[Problem, ...]:
    """List the problems of a body of at most 2 MB. JSON allows lone surrogates, so their field is named."""
    not_json = (Problem(field="body", reason=ProblemCode.NOT_JSON()),)
    try:
        value = json.loads(
            body, parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else math.inf
        )
    except (ValueError, RecursionError):
        return not_json
    if declared is not None:
        return tuple(problems_of(value, declared)) or (_BODY_INVALID,)
    texts = tuple(Problem(field=field or "body", reason=reason) for field, reason in text_problems(value))
    return texts or not_json


class EmptyBody(Body, frozen=True):
    """A body that may as well be missing."""


async def without_fields(request: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse a body that has fields; none, or an empty object, is fine."""
    body = await request.body() if isinstance(request, JsonRequest) else b""
    if body:
        decoded(body, EmptyBody)


_DATA_URL = re.compile(rb"data:image\\?/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80})*;base64,", re.IGNORECASE)
_STORED_IMAGE = re.compile(rb"image:([1-9][0-9]{0,17})")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|/)")
_MAX_PREFIX_BYTES = 200
_PIECE_BYTES = 256 * 1024
_MAX_ESCAPE_BYTES = 6


def read_images(body: BufferedBody, texts: Mapping[str, str]) -> dict[str, InputSource]:
    """Decode the images that ``texts`` name by field; any other image in the body is refused. Blocks."""
    spans = body.outline.images
    images = {
        field: _decode(body.text, *spans[text], field) if text in spans else read_image(text, field)
        for field, text in texts.items()
    }
    if spans.keys() - texts.values():
        raise ValidationFailed.for_field("body", RequestProblem.STRAY_IMAGE())
    return images


def read_image(text: str | bytes, field: str) -> InputSource:
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if reference := _STORED_IMAGE.fullmatch(text):
        return ImageReference(id=int(reference[1]))
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
    """Decode in pieces, since each call of the decoder blocks the interpreter."""
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
