"""The images of a request: their limits, their masks, and their base64."""

import asyncio
import base64
import hashlib
import io
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
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
from imagegen_core.messages import Message, MessageCode, ProblemCode
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.requests import ImageRequest, NamedInputs, dimensions_of, parse_size

if TYPE_CHECKING:
    from PIL.Image import Image

_OPAQUE = 255
_PIECE_BYTES = 3 * 64 * 1024  # a multiple of 3, so that only the last piece has padding


# Checks before a request is queued


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


@attrs.frozen(kw_only=True)
class Upload:
    """An image in place of a ``token`` of a `JsonBody`; ``chunks`` reads it when it is sent."""

    token: str  # 64 hexadecimal digits, hence the base64 of `placeholder` in both alphabets
    mime_type: str
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]

    @property
    def placeholder(self) -> bytes:
        """48 bytes that stand in for the image."""
        return base64.b64decode(self.token)


async def uploads_of(call: ProviderCall, exchange: Exchange) -> tuple[Upload, ...]:
    """Return the request's images in order: references, image, and the mask, white where it repaints."""
    request, uploads = call.request, []
    mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT) or b""
    for position, (name, image) in enumerate(request.named_inputs):
        token = hashlib.sha256(f"{call.call_id}/{position}".encode()).hexdigest()
        mime_type, size = str(image.mime_type), image.size_bytes
        chunks = partial(exchange.input_chunks, image)
        if name == "mask":
            mime_type, size, chunks = "image/png", len(mask), partial(in_pieces, mask)
        uploads.append(Upload(token=token, mime_type=mime_type, size=size, chunks=chunks))
    return tuple(uploads)


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


@attrs.frozen(kw_only=True)
class JsonBody:
    """A request's JSON with the base64 of images in place of their tokens, streamed piece by piece."""

    text: bytes
    uploads: Sequence[Upload]

    @property
    def length(self) -> int:
        return len(self.text) + sum(encoded_length(u.size) - len(u.token) for u in self.uploads)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = self.text
        for upload in sorted(self.uploads, key=lambda u: self.text.index(u.token.encode())):
            head, _, rest = rest.partition(upload.token.encode())
            yield head
            missing = encoded_length(upload.size)
            try:
                async for piece in encode_base64_chunks(upload.chunks()):
                    if (missing := missing - len(piece)) >= 0:
                        yield piece
            except (BlobMissing, StorageError) as error:
                raise _unreadable(ResponseCode.INPUT_UNREADABLE()) from error
            if missing:
                raise _unreadable(ResponseCode.INPUT_CHANGED())
        yield rest


def _unreadable(reason: Message) -> CallError:
    # The server did not receive the body whole, and therefore does nothing with it.
    return CallError(FailureCode.STORAGE_FAILED, reason, possible_charge=False)


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
