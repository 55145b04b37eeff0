"""Builds bodies as pieces: text now, images while they are sent, so that a waiting call holds no image."""

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import attrs

from imagegen_adapters.providers.base64_stream import encode_base64
from imagegen_adapters.providers.http.inputs import EmbeddedPart, FilePart, InputPart
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.request import BodySpec, BodyType
from imagegen_adapters.providers.http.template_nodes import as_text
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

Piece = bytes | EmbeddedPart | FilePart
ReadInput = Callable[[InputPart], Awaitable[bytes]]

_BLOCK_BYTES = 256 * 1024
MAX_FORM_BYTES = 256 * 1024
"""Before they are URL-encoded, which takes a call for each of them."""


@attrs.frozen(kw_only=True)
class Body:
    """A body of known length; no image is read before `stream`."""

    content_type: str
    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """The number of bytes that will be sent."""
        return sum(_length(piece) for piece in self.pieces)

    @property
    def has_images(self) -> bool:
        """Whether images must be read to send it."""
        return not all(isinstance(piece, bytes) for piece in self.pieces)

    async def stream(self, read: ReadInput) -> AsyncIterator[bytes]:
        """Yield the body; it holds one image at a time in memory."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                for block in _encoded(piece, await read(piece.part)):
                    yield block

    async def whole(self, read: ReadInput) -> bytes:
        """Return the whole body, for signers that hash it."""
        return b"".join([block async for block in self.stream(read)])


def write_body(spec: BodySpec, rendered: Any) -> Body | None:
    """Return the body of a rendered template, None for no body.

    Raises:
        CallError: ``rejected``, nothing was sent: it cannot be written in this form, or would be too large.
    """
    if spec.type is BodyType.NONE:
        return None
    if spec.type is BodyType.JSON:
        return Body(content_type="application/json", pieces=_json({} if rendered is None else rendered))
    if not isinstance(rendered or {}, Mapping):
        raise _unwritable(spec.type)
    fields = tuple(_fields(rendered or {}))
    has_file = any(isinstance(value, FilePart) for _, value in fields)
    if spec.type is BodyType.MULTIPART and (has_file or spec.force_multipart or fields):
        return _multipart(fields)
    pairs = [(name, as_text(value)) for name, value in fields]
    if has_file or sum(len(text.encode("utf-8", "replace")) for _, text in pairs) > MAX_FORM_BYTES:
        raise _unwritable(BodyType.FORM)
    return Body(content_type="application/x-www-form-urlencoded", pieces=(urlencode(pairs).encode(),))


def _unwritable(kind: BodyType) -> CallError:
    reason = DocumentCode.DOCUMENT_BODY_UNWRITABLE(kind=kind)
    return CallError(FailureCode.REJECTED, reason, possible_charge=False)


def _length(piece: Piece) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    return piece.length if isinstance(piece, EmbeddedPart) else piece.part.size_bytes


def _encoded(piece: EmbeddedPart | FilePart, data: bytes) -> Iterator[bytes]:
    if isinstance(piece, EmbeddedPart):
        yield piece.prefix.encode()
        yield from encode_base64(data)
        return
    for start in range(0, len(data), _BLOCK_BYTES):
        yield data[start : start + _BLOCK_BYTES]


def _json(tree: Any) -> tuple[Piece, ...]:
    """Serialise with a placeholder for each image, then split the text at the placeholders."""
    placeholder = secrets.token_hex(16)
    images: list[EmbeddedPart] = []

    def replace(value: Any) -> Any:
        if isinstance(value, EmbeddedPart):
            images.append(value)
            return placeholder
        if isinstance(value, Mapping):
            return dict(value)
        raise _unwritable(BodyType.JSON)

    text = json.dumps(tree, ensure_ascii=False, default=replace).encode("utf-8", "replace")
    texts = text.split(placeholder.encode())
    pieces: list[Piece] = [texts[0]]
    for image, following in zip(images, texts[1:], strict=True):
        pieces += [image, following]
    return tuple(pieces)


def _fields(rendered: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a form's fields; a list repeats its field, an object becomes JSON text."""
    for name, value in rendered.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, json.dumps(item, ensure_ascii=False) if isinstance(item, Mapping) else item


def _multipart(fields: tuple[tuple[str, Any], ...]) -> Body:
    boundary = f"imagegen-{secrets.token_hex(16)}"
    pieces: list[Piece] = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
        if isinstance(value, FilePart):
            head += f'; filename="{value.part.filename}"\r\nContent-Type: {value.part.mime_type}'
            pieces += [f"{head}\r\n\r\n".encode(), value, b"\r\n"]
        else:
            pieces.append(f"{head}\r\n\r\n{as_text(value)}\r\n".encode("utf-8", "replace"))
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(content_type=f"multipart/form-data; boundary={boundary}", pieces=tuple(pieces))


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
