"""Full decoding of one image. Imports only Pillow and the standard library, to keep the child small."""

import io
from typing import Any, BinaryIO, NamedTuple

from PIL import Image
from PIL.Image import DecompressionBombError, DecompressionBombWarning, Transpose

THUMBNAIL_SIDE = 512
_DRAFT_SIDE = 2 * THUMBNAIL_SIDE
_STRIP_BYTES = 512 * 1024  # small enough for the allocator to reuse without requesting new pages

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
_TRANSPOSE_BY_ORIENTATION = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_TRANSPARENT_MODES = ("RGBA", "RGBa", "LA", "La", "PA")
_READY_MODES = ("L", "RGB", "RGBA")
_HIGH_DEPTH_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


class Undecodable(Exception):
    """The bytes are not an image that we take; ``reason`` names a row of `InspectionCode`."""

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


class Decoded(NamedTuple):
    """Size as the image is shown (EXIF orientation applied), and a WebP without metadata."""

    format: str
    width: int
    height: int
    thumbnail: bytes


def sniff(head: bytes) -> str | None:
    """Return ``PNG``, ``JPEG`` or ``WEBP`` by the first 12 bytes, or None."""
    if head.startswith(_PNG_SIGNATURE):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return None


def open_image(file: BinaryIO, *, max_pixels: int) -> Image.Image:
    """Open the image and read its header without decoding it.

    Raises:
        Undecodable: another format, a broken header, or more than ``max_pixels``.
    """
    file.seek(0)
    kind = sniff(file.read(12))
    if kind is None:
        raise Undecodable("NOT_PNG_JPEG_WEBP")
    _check_whole(file, kind)
    file.seek(0)
    try:
        image = Image.open(file, formats=[kind])
    except (DecompressionBombError, DecompressionBombWarning) as error:
        raise Undecodable("TOO_MANY_MEGAPIXELS", maximum=max_pixels / 1e6) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise all kinds of exceptions for broken headers
        raise Undecodable("HEADER_UNREADABLE", format=kind) from error
    if image.width * image.height > max_pixels:
        raise Undecodable(
            "MEGAPIXELS_EXCEEDED",
            maximum=max_pixels / 1e6,
            width=image.width,
            height=image.height,
        )
    return image


def decode(image: Image.Image) -> Decoded:
    """Decode the first frame completely and return its size and a thumbnail.

    Raises:
        Undecodable: it is truncated or broken.
        MemoryError: the process may not take as much memory as it needs.
    """
    kind, (width, height) = str(image.format).replace("MPO", "JPEG"), image.size
    try:
        if kind == "JPEG":
            image.draft(
                "", (_DRAFT_SIDE, _DRAFT_SIDE)
            )  # still reads every coefficient, with 1/64 of the memory
        image.load()
        transpose = _transpose(image)
        thumbnail = _thumbnail(image, transpose)
    except MemoryError:
        raise
    except Exception as error:  # a broken file raises OSError, ValueError, SyntaxError, struct.error, …
        raise Undecodable("BROKEN_IMAGE", format=kind) from error
    if transpose in (Transpose.TRANSPOSE, Transpose.TRANSVERSE, Transpose.ROTATE_90, Transpose.ROTATE_270):
        width, height = height, width
    return Decoded(kind, width, height, thumbnail)


def _transpose(image: Image.Image) -> Transpose | None:
    try:
        return _TRANSPOSE_BY_ORIENTATION.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - invalid EXIF is ignored; its errors have no common type
        return None


def _thumbnail(image: Image.Image, transpose: Transpose | None) -> bytes:
    small = _shrunk(image, max(1, min(image.size) // _DRAFT_SIDE))
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    if transpose is not None:
        small = small.transpose(transpose)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=80)
    return buffer.getvalue()


def _shrunk(image: Image.Image, factor: int) -> Image.Image:
    """Return an RGB(A) copy, ``factor`` times smaller, without an intermediate copy in full size."""
    transparent = image.mode in _TRANSPARENT_MODES or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    if image.mode == mode or (image.mode in _READY_MODES and not transparent):
        return image.reduce(factor).convert(mode)
    return _shrunk_in_strips(image, factor, mode)


def _shrunk_in_strips(image: Image.Image, factor: int, mode: str) -> Image.Image:
    width, height = image.size
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = factor * max(1, _STRIP_BYTES // (4 * width * factor))
    for top in range(0, height, rows):
        strip = _in_8_bits(image.crop((0, top, width, min(top + rows, height))))
        small.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    return small


def _in_8_bits(strip: Image.Image) -> Image.Image:
    if strip.mode not in _HIGH_DEPTH_MODES:
        return strip
    return strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _check_whole(file: BinaryIO, kind: str) -> None:
    """Reject a truncated file if its container format reveals it; Pillow tolerates some of these."""
    size = file.seek(0, io.SEEK_END)
    if kind == "PNG":
        whole = _png_has_end(file, size)
    elif kind == "WEBP":
        file.seek(4)
        whole = int.from_bytes(file.read(4), "little") + 8 <= size
    else:
        whole = True
    if not whole:
        raise Undecodable("TRUNCATED_IMAGE", format=kind)


def _png_has_end(file: BinaryIO, size: int) -> bool:
    position = len(_PNG_SIGNATURE)
    while position + 12 <= size:
        file.seek(position)
        head = file.read(8)
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return position <= size
    return False
