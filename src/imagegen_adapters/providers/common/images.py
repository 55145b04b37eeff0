"""The images of a request: their limits, their masks, and their base64."""

import asyncio
import base64
import hashlib
import io
import json
import math
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs

from imagegen_adapters.providers.common.calls import InputCode, ResponseCode
from imagegen_core.errors import (
    BlobMissing,
    CallError,
    FailureCode,
    InvalidImage,
    Refusal,
    StorageError,
    ValidationFailed,
)
from imagegen_core.images import MediaType
from imagegen_core.messages import Message, MessageCode, Problem, ProblemCode
from imagegen_core.ports.provider import Exchange
from imagegen_core.requests import ImageRequest, InputImage, NamedInputs, dimensions_of, parse_size

if TYPE_CHECKING:
    from PIL.Image import Image

_OPAQUE = 255
_PIECE_BYTES = 3 * 64 * 1024  # a multiple of 3, so that only the last piece has padding


# Checks before a request is queued


COMMON_TYPES = (MediaType.PNG, MediaType.JPEG, MediaType.WEBP)
"""The types of input images that each provider takes, unless its documentation says otherwise."""


def check_types(images: NamedInputs, types: Sequence[MediaType] = COMMON_TYPES) -> None:
    """Refuse images of other types, each named; not the mask, which is converted."""
    others = [(name, image.mime_type) for name, image in images if image.mime_type not in types]
    reason, names = InputCode.WRONG_MIME_TYPE, tuple(map(str, types))
    problems = [Problem(name, reason(mime_type=each, types=names)) for name, each in others if name != "mask"]
    if problems:
        raise ValidationFailed(*problems)


def check_total_bytes(
    images: NamedInputs, max_bytes: int, *, code: MessageCode = InputCode.REQUEST_TOO_HEAVY
) -> None:
    """Refuse images that are more than ``max_bytes`` together; the largest is named."""
    total = sum(image.size_bytes for _, image in images)
    if total > max_bytes:
        field = max(images, key=lambda pair: pair[1].size_bytes)[0]
        raise ValidationFailed.for_field(field, code(size=total, maximum=max_bytes))


def check_size(params: Mapping[str, Any]) -> None:
    """Refuse a ``size`` that is neither WIDTHxHEIGHT nor ``auto``."""
    size = params.get("size")
    if size is not None and size != "auto" and parse_size(size) is None:
        raise ValidationFailed.for_field("params.size", ProblemCode.NOT_A_SIZE(choices=("auto",)))


def check_sides(params: Mapping[str, Any]) -> None:
    """Refuse ``width`` without ``height`` and the reverse, for providers that need both."""
    names = [name for name in ("width", "height") if params.get(name) is not None]
    if len(names) == 1 and dimensions_of(params) is None:
        missing = "height" if names == ["width"] else "width"
        raise ValidationFailed.for_field(f"params.{missing}", ProblemCode.NEEDS_OTHER(other=names[0]))


@contextmanager
def map_refusals() -> Iterator[None]:
    """Turn a refusal after the task was queued into ``rejected``; nothing was sent."""
    try:
        yield
    except Refusal as error:
        raise CallError(FailureCode.REJECTED, error.reason, possible_charge=False) from error


# Masks


class MaskPolarity(StrEnum):
    """How a provider marks the area to repaint."""

    WHITE_IS_EDIT = "white_is_edit"
    BLACK_IS_EDIT = "black_is_edit"
    TRANSPARENT_IS_EDIT = "transparent_is_edit"


async def mask_for(request: ImageRequest, exchange: Exchange, polarity: MaskPolarity) -> bytes | None:
    if request.mask is None or request.image is None:
        return None
    data = await exchange.read_input(request.mask)
    size = (request.image.width, request.image.height)
    return await asyncio.to_thread(convert_mask, data, polarity=polarity, size=size)


def convert_mask(data: bytes, *, polarity: MaskPolarity, size: tuple[int, int]) -> bytes:
    """Return the mask of an image as a PNG of the provider's polarity: grey, or RGBA for transparency.

    White is repainted, black kept, with grey levels between. An alpha channel counts instead, transparent is
    repainted, unless it is opaque everywhere. A whole image is decoded: call it in a thread.
    """
    from PIL import Image, UnidentifiedImageError  # takes 5 MB, and few tasks have a mask

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.size != size:
                actual, expected = (f"{width}x{height}" for width, height in (image.size, size))
                raise InvalidImage("mask", InputCode.MASK_SIZE(actual=actual, expected=expected))
            mask = _edit_area(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidImage("mask", InputCode.UNDECODABLE()) from error
    if polarity is not MaskPolarity.WHITE_IS_EDIT:
        mask = _inverted(mask)
    if polarity is MaskPolarity.TRANSPARENT_IS_EDIT:
        alpha, mask = mask, Image.new("RGBA", size)
        mask.putalpha(alpha)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def _edit_area(image: "Image") -> "Image":
    """Return the mask in 8-bit grey, 255 where it is repainted."""
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        if alpha.getextrema()[0] != _OPAQUE:
            return _inverted(alpha)
        return image.convert("RGB").convert("L")
    if image.mode.startswith("I"):  # 16-bit grey, which convert() alone would clip
        return image.convert("I").point(lambda value: value * (1 / 256) + 0).convert("L")
    return image.convert("L")


def _inverted(image: "Image") -> "Image":
    return image.point(lambda value: _OPAQUE - value)


# What a provider gets instead of bytes and pixels


async def encode_base64_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the base64 of an image, of `encoded_length` characters altogether."""
    remainder = b""
    async for chunk in chunks:
        data = remainder + chunk
        complete = len(data) - len(data) % 3
        remainder = data[complete:]
        yield base64.b64encode(data[:complete])
    yield base64.b64encode(remainder)


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


@attrs.frozen(kw_only=True)
class InputPart:
    """One image; ``index`` counts from 0."""

    image: InputImage
    index: int = 0
    role: str = "image"
    data: bytes | None = attrs.field(default=None, repr=False)  # of a mask that had to be converted

    @property
    def mime_type(self) -> str:
        return "image/png" if self.data is not None else self.image.mime_type

    @property
    def size_bytes(self) -> int:
        """The number of bytes that will be sent, before any encoding."""
        return self.image.size_bytes if self.data is None else len(self.data)

    @property
    def filename(self) -> str:
        """A file name that reveals nothing about the caller."""
        return f"{self.role}-{self.index + 1}.{MediaType(self.mime_type).extension}"

    def field(self, name: str) -> Any:
        """Return the value of ``${refs[0].name}``, None for an unknown name."""
        fields: dict[str, Any] = {
            "base64": BodyImage(self, ""),
            "data_uri": BodyImage(self, f"data:{self.mime_type};base64,"),
            "mime": self.mime_type,
            "filename": self.filename,
            "index": self.index,
            "suffix": "" if self.index == 0 else f"_{self.index + 1}",
            "width": self.image.width,
            "height": self.image.height,
        }
        return fields.get(name)


async def input_parts(request: ImageRequest, exchange: Exchange) -> tuple[InputPart, ...]:
    """Return the request's images in order: references, image, and the mask, white where it repaints."""
    mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
    named = request.named_inputs
    return tuple(InputPart(image=image, data=mask if name == "mask" else None) for name, image in named)


@attrs.frozen
class BodyImage:
    """An image in a body: the file itself, or its base64 after a ``prefix``, which may make it a data URI."""

    part: InputPart
    prefix: str | None = None

    @property
    def length(self) -> int:
        size, prefix = self.part.size_bytes, self.prefix
        return size if prefix is None else len(prefix) + encoded_length(size)

    async def blocks(self, exchange: Exchange | None) -> AsyncIterator[bytes]:
        """Yield what is sent, read piece by piece; never more than ``length``."""
        part, missing = self.part, self.length
        if exchange is None:
            raise CallError(FailureCode.INTERNAL, ResponseCode.NO_IMAGE_EXPECTED(), possible_charge=False)
        try:
            blocks = exchange.input_chunks(part.image) if part.data is None else in_pieces(part.data)
            if self.prefix is not None:
                missing -= len(self.prefix)
                yield self.prefix.encode()
                blocks = encode_base64_chunks(blocks)
            async for block in blocks:
                if (missing := missing - len(block)) >= 0:
                    yield block
        except (BlobMissing, StorageError) as error:
            raise _unreadable(ResponseCode.INPUT_UNREADABLE()) from error
        if missing:
            raise _unreadable(ResponseCode.INPUT_CHANGED())


def _unreadable(reason: Message) -> CallError:
    # The server did not receive the body whole, and therefore does nothing with it.
    return CallError(FailureCode.STORAGE_FAILED, reason, possible_charge=False)


@attrs.frozen(kw_only=True)
class Body:
    """A body of known length; no image is read before `stream`."""

    content_type: str = "application/json"
    pieces: tuple[bytes | BodyImage, ...]

    @property
    def length(self) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self.pieces)

    @property
    def has_images(self) -> bool:
        return not all(isinstance(piece, bytes) for piece in self.pieces)

    async def stream(self, exchange: Exchange | None) -> AsyncIterator[bytes]:
        """Yield the body, with a piece of one image at a time in memory."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                async for block in piece.blocks(exchange):
                    yield block

    async def whole(self, exchange: Exchange | None) -> bytes:
        """Return the whole body, for signers that hash it."""
        return b"".join([block async for block in self.stream(exchange)])


def json_body(tree: Any) -> Body:
    """Serialise a tree with images; a value that is no JSON is a ``TypeError``."""
    images: dict[str, BodyImage] = {}

    def replace(value: Any) -> Any:
        if isinstance(value, BodyImage) and value.prefix is not None:
            images[token := secrets.token_hex(16)] = value
            return token
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(type(value))

    return body_of(json.dumps(tree, ensure_ascii=False, default=replace).encode("utf-8", "replace"), images)


def body_of(text: bytes, images: Mapping[str, BodyImage]) -> Body:
    """Return a JSON body with images in place of their tokens, each of which is in the text once."""
    pieces = re.split(f"({'|'.join(images)})".encode(), text) if images else [text]
    if len(pieces) != 2 * len(images) + 1:
        raise ValueError("an image is not in the body once")
    return Body(pieces=tuple(images[each.decode()] if i % 2 else each for i, each in enumerate(pieces)))


def encoded_length(size: int) -> int:
    """Return the number of characters that ``size`` bytes take in base64."""
    return (size + 2) // 3 * 4


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """Return the ratio (``"16:9"``) nearest to ``width:height`` on a log scale; None if there are none."""
    target = math.log(width / height)
    return min(ratios, key=lambda ratio: abs(math.log(quotient(ratio)) - target), default=None)


def quotient(ratio: str) -> float:
    """Return the value of a ratio of whole numbers, width by height."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def random_seed(call_id: str) -> int:
    """Return a seed for a call without one, from its random id: 31 bits, which every provider accepts."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:4], "big") >> 1
