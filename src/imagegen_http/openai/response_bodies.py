"""The bodies of answers, in pieces: text, and images that become base64 as they are read."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from imagegen_core.images import Image, MediaType
from imagegen_core.tasks.task import Task

Piece = bytes | Image
OpenBlob = Callable[[str], AsyncIterator[bytes]]
"""Opens the blob of a key."""

_PIECE_BYTES = 48 * 1024
"""Encoded at a time, a multiple of three."""

_USAGE = ("total_tokens", "input_tokens", "output_tokens")


@attrs.frozen(kw_only=True)
class Style:
    """``base_url`` for addresses in the place of bytes; ``events`` begins the names of streamed events."""

    base_url: str | None = None
    events: str | None = None


def json_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return the one JSON answer."""
    pieces: list[Piece] = [b'{"created":%d,"data":[' % _created(task)]
    for position, image in enumerate(images):
        pieces.append(b"," if position else b"")
        pieces += _object(image, style, {})
    rest = {**_format_fields(images[:1]), **_usage(images)}
    return [*pieces, b"]" + (b"," + _json(rest)[1:] if rest else b"}")]


def event_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return one event for each image; ``usage`` is in the last."""
    pieces: list[Piece] = []
    name = f"{style.events}.completed"
    for position, image in enumerate(images):
        told = {"type": name, "created_at": _created(task), **_format_fields([image])}
        if position == len(images) - 1:
            told |= _usage(images)
        pieces += [f"event: {name}\ndata: ".encode(), *_object(image, style, told), b"\n\n"]
    return pieces


def length_of(pieces: Sequence[Piece]) -> int:
    """Return how many bytes the pieces become."""
    return sum(len(p) if isinstance(p, bytes) else 4 * -(-p.size_bytes // 3) for p in pieces)


async def encode_pieces(pieces: Sequence[Piece], open_blob: OpenBlob) -> AsyncIterator[bytes]:
    """Yield the bytes; of an image never more than a chunk is held."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        async for chunk in _base64(open_blob(piece.blob_key)):
            yield chunk


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode threes of bytes in small pieces; what is left of a chunk waits for the next.

    A reader who does not read holds a piece here and another in his connection.
    """
    left = b""
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            size = _PIECE_BYTES - len(left)
            piece, rest = left + rest[:size], rest[size:]
            whole = len(piece) - len(piece) % 3
            yield base64.b64encode(piece[:whole])
            left = piece[whole:]
    if left:
        yield base64.b64encode(left)


def _object(image: Image, style: Style, told: Mapping[str, Any]) -> Iterator[Piece]:
    said = dict(told)
    if revised := image.metadata.get("revised_prompt"):
        said["revised_prompt"] = str(revised)
    if style.base_url is not None:
        yield _json({**said, "url": f"{style.base_url}/api/v1/images/{image.id}/content"})
        return
    yield (_json(said)[:-1] + b"," if said else b"{") + b'"b64_json":"'
    yield image
    yield b'"}'


def _created(task: Task) -> int:
    return int((task.completed_at or task.created_at).timestamp())


def _format_fields(images: Sequence[Image]) -> dict[str, Any]:
    for image in images:
        kind = str(MediaType(image.mime_type)).removeprefix("image/")
        return {"size": f"{image.width}x{image.height}", "output_format": kind}
    return {}


def _usage(images: Sequence[Image]) -> dict[str, Any]:
    """Return the tokens of all calls together, where each told them in OpenAI's words."""
    calls = {image.attempt_id: image.metadata.get("usage") for image in images}
    told = [usage for usage in calls.values() if isinstance(usage, Mapping)]
    if not told or len(told) < len(calls) or not all(_is_count(u.get(n)) for u in told for n in _USAGE):
        return {}
    if len(told) == 1:
        return {"usage": dict(told[0])}
    return {"usage": {name: sum(u[name] for u in told) for name in _USAGE}}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
