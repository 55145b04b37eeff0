"""Response bodies in pieces: text, and images that are encoded as base64 while they are read."""

import base64
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from imagegen_core.images import Image, MediaType
from imagegen_core.running.exchange import PartialImage
from imagegen_core.task import Task
from imagegen_http.api.streams import image_event
from imagegen_http.openai.wire import ImageCompleted, ImageData, ImagePartial, Images

Piece = bytes | Image
OpenBlob = Callable[[str], AsyncIterator[bytes]]
"""Opens the blob with a key."""

_PIECE_BYTES = 48 * 1024
"""Bytes that are encoded at a time; a multiple of three, so that base64 needs no padding in between."""

_USAGE = ("total_tokens", "input_tokens", "output_tokens")


@attrs.frozen(kw_only=True)
class Style:
    """``base_url``: send URLs below it instead of bytes; ``events``: stream events with this name prefix."""

    base_url: str | None = None
    events: str | None = None


def json_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return a JSON body with all images."""
    body = Images(created=_created(task), data=[], **_format_fields(images[:1]), usage=_usage(images))
    head, _, tail = msgspec.json.encode(body).partition(b"[]")
    pieces: list[Piece] = [head + b"["]
    for position, image in enumerate(images):
        pieces.append(b"," if position else b"")
        pieces += _object(ImageData(**_image_fields(image, style)), image)
    return [*pieces, b"]" + tail]


def event_pieces(task: Task, images: Sequence[Image], style: Style) -> list[Piece]:
    """Return one event for each image; the last one has the ``usage``."""
    pieces: list[Piece] = []
    name = f"{style.events}.completed"
    for position, image in enumerate(images):
        data = ImageCompleted(
            type=name,
            created_at=_created(task),
            quality=_requested(task, "quality"),
            background=_requested(task, "background"),
            **_format_fields([image]),
            usage=_usage(images) if position == len(images) - 1 else UNSET,
            **_image_fields(image, style),
        )
        pieces += [f"event: {name}\ndata: ".encode(), *_object(data, image), b"\n\n"]
    return pieces


def partial_pieces(task: Task, partial: PartialImage, events: str, now: datetime) -> Iterator[bytes]:
    """Yield the event of a partial image; ``events`` is the prefix of its name."""
    name = f"{events}.partial_image"
    data = ImagePartial(
        type=name,
        partial_image_index=partial.index,
        image_index=partial.image_index,
        created_at=int(now.timestamp()),
        size=_requested(task, "size"),
        quality=_requested(task, "quality"),
        background=_requested(task, "background"),
        output_format=_format_name(partial.media_type),
        b64_json="",
    )
    return image_event(name, data, partial.content)


def length_of(pieces: Sequence[Piece]) -> int:
    """Return the size of the encoded pieces in bytes."""
    return sum(len(p) if isinstance(p, bytes) else 4 * -(-p.size_bytes // 3) for p in pieces)


async def encode_pieces(pieces: Sequence[Piece], open_blob: OpenBlob) -> AsyncIterator[bytes]:
    """Yield the encoded bytes; of an image, at most one chunk is in memory."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        async for chunk in _base64(open_blob(piece.blob_key)):
            yield chunk


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode in small pieces of whole groups of three bytes; the remainder of a chunk goes before the next.

    A client that stops reading costs one piece here and another in its connection.
    """
    remainder = b""
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            size = _PIECE_BYTES - len(remainder)
            piece, rest = remainder + rest[:size], rest[size:]
            whole = len(piece) - len(piece) % 3
            yield base64.b64encode(piece[:whole])
            remainder = piece[whole:]
    if remainder:
        yield base64.b64encode(remainder)


def _object(data: ImageData | ImageCompleted, image: Image) -> Iterator[Piece]:
    """Yield what describes an image; where its bytes belong, it ends with an empty text for them."""
    text = msgspec.json.encode(data)
    if data.b64_json is UNSET:
        yield text
    else:
        yield text.removesuffix(b'"}')
        yield image
        yield b'"}'


def _image_fields(image: Image, style: Style) -> dict[str, Any]:
    revised = image.metadata.get("revised_prompt")
    fields = {"revised_prompt": str(revised)} if revised else {}
    if style.base_url is None:
        return {**fields, "b64_json": ""}
    return {**fields, "url": f"{style.base_url}/api/v1/images/{image.id}/content"}


def _created(task: Task) -> int:
    return int((task.completed_at or task.created_at).timestamp())


def _format_fields(images: Sequence[Image]) -> dict[str, Any]:
    for image in images:
        kind = _format_name(MediaType(image.mime_type))
        return {"size": f"{image.width}x{image.height}", "output_format": kind}
    return {}


def _format_name(media_type: MediaType) -> str:
    return media_type.removeprefix("image/")


def _requested(task: Task, name: str) -> str:
    """Return what the request says of a field of OpenAI's."""
    return str(task.request.params.get(name, "auto"))


def _usage(images: Sequence[Image]) -> dict[str, Any] | UnsetType:
    """Return the tokens of all calls together, if each reported them in OpenAI's fields."""
    # Where it is long, only the first image of a call has it.
    calls = {i.attempt_id: i.metadata.get("usage") for i in reversed(images)}
    usages = [usage for usage in calls.values() if isinstance(usage, Mapping)]
    if not usages or len(usages) < len(calls):
        return UNSET
    if not all(_is_count(usage.get(name)) for usage in usages for name in _USAGE):
        return UNSET
    if len(usages) == 1:
        return dict(usages[0])
    return {name: sum(usage[name] for usage in usages) for name in _USAGE}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
