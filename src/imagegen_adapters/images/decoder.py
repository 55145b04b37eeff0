"""Decodes images in a child process; imports only Pillow and the standard library, to keep it small.

Started as ``python -m … FD MAX_PIXELS LARGE_PIXELS MEMORY_BYTES CPU_SECONDS``; it may be killed at any time.
Each image is in the file ``FD``. A line on standard input requests its decoding; end of input ends the
process. A reply is a 4-byte big-endian length, so many bytes of JSON and, with ``"status": "ok"``, ``length``
bytes of thumbnail. ``"large"`` requests another line before many pixels are decoded; ``"no_memory"`` blames
the machine, not the image.
"""

import contextlib
import io
import json
import mmap
import resource
import struct
import sys
import warnings
from typing import Any, BinaryIO, NamedTuple

from PIL import Image
from PIL.Image import DecompressionBombError, DecompressionBombWarning, Resampling, Transpose

THUMBNAIL_SIDE = 512
_WEBP_METHODS = {"RGB": 0, "RGBA": 1}
"""A quarter of the time of Pillow's 4, a fifth more bytes (``./run bench thumbnails``); 0 keeps alpha raw."""

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
    """The bytes are no acceptable image; ``reason`` names a row of `InspectionCode`."""

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(reason)
        self.reason, self.details = reason, details


class Decoded(NamedTuple):
    """The size with EXIF orientation applied, and a WebP without metadata."""

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
    """Read the header without decoding; an unacceptable image is `Undecodable`."""
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
        size = {"width": image.width, "height": image.height}
        raise Undecodable("MEGAPIXELS_EXCEEDED", maximum=max_pixels / 1e6, **size)
    return image


def decode(image: Image.Image) -> Decoded:
    """Decode the whole first frame: `Undecodable` if it is broken, `MemoryError` at the process's limit."""
    kind, (width, height) = str(image.format).replace("MPO", "JPEG"), image.size
    factor = max(1, max(width, height) // THUMBNAIL_SIDE)  # a smaller image is no smaller than its thumbnail
    scale = min(1, THUMBNAIL_SIDE / max(width, height))
    try:
        if kind == "JPEG":  # still reads every coefficient, in up to 1/64 of the memory
            image.draft("", (max(1, width // factor), max(1, height // factor)))
        image.load()
        transpose, small = _transpose(image), _reduced(image)
        if small.size != (size := (max(1, round(width * scale)), max(1, round(height * scale)))):
            small = small.resize(size, Resampling.HAMMING)
        if transpose is not None:
            small = small.transpose(transpose)
        buffer = io.BytesIO()
        small.save(buffer, format="WEBP", quality=80, method=_WEBP_METHODS[small.mode])
    except MemoryError:
        raise
    except Exception as error:  # a broken file raises OSError, ValueError, SyntaxError, struct.error, …
        raise Undecodable("BROKEN_IMAGE", format=kind) from error
    if transpose in (Transpose.TRANSPOSE, Transpose.TRANSVERSE, Transpose.ROTATE_90, Transpose.ROTATE_270):
        width, height = height, width
    return Decoded(kind, width, height, buffer.getvalue())


def _transpose(image: Image.Image) -> Transpose | None:
    try:
        return _TRANSPOSE_BY_ORIENTATION.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - invalid EXIF is ignored; its errors have no common type
        return None


def _reduced(image: Image.Image) -> Image.Image:
    """Return the image in RGB(A), reduced by averaging, without an intermediate copy in full size."""
    transparent = image.mode in _TRANSPARENT_MODES or "transparency" in image.info
    mode, factor = "RGBA" if transparent else "RGB", max(1, max(image.size) // THUMBNAIL_SIDE)
    if image.mode == mode or (image.mode in _READY_MODES and not transparent):
        reduced = image if factor == 1 else image.reduce(factor)
        return reduced if reduced.mode == mode else reduced.convert(mode)
    return _reduced_in_strips(image, factor, mode)


def _reduced_in_strips(image: Image.Image, factor: int, mode: str) -> Image.Image:
    width, height = image.size
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = factor * max(1, _STRIP_BYTES // (4 * width * factor))
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height)))
        if strip.mode in _HIGH_DEPTH_MODES:
            strip = strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        small.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    return small


def _check_whole(file: BinaryIO, kind: str) -> None:
    """Reject a truncated file if its container format reveals it; Pillow tolerates some of these."""
    size, position, is_whole = file.seek(0, io.SEEK_END), len(_PNG_SIGNATURE), kind == "JPEG"
    if kind == "WEBP":
        file.seek(4)
        is_whole = int.from_bytes(file.read(4), "little") + 8 <= size
    while kind == "PNG" and not is_whole and position + 12 <= size:
        file.seek(position)
        head = file.read(8)
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            is_whole = position <= size
            break
    if not is_whole:
        raise Undecodable("TRUNCATED_IMAGE", format=kind)


# ---------------------------------------------------------------- the child process

_MEMORY_MARGIN_BYTES = 32 * 1024 * 1024
_TOO_LARGE: dict[str, object] = {"status": "rejected", "reason": "TOO_MUCH_MEMORY", "args": {}}


def main(arguments: list[str]) -> None:
    fd, max_pixels, large_pixels, memory_bytes, cpu_seconds = map(int, arguments)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.preinit()
    with contextlib.suppress(BrokenPipeError):
        _reply({"status": "ready"})
        while sys.stdin.buffer.readline():
            _limit_cpu(cpu_seconds)
            header, body = _answer(fd, max_pixels, large_pixels)  # the image's memory is free by now
            if header["status"] == "too_large":
                header = _TOO_LARGE if _has_memory(memory_bytes) else {"status": "no_memory"}
            _reply(header, body)


def _answer(fd: int, max_pixels: int, large_pixels: int) -> tuple[dict[str, object], bytes]:
    try:
        # Reopened each time: an open file object would keep bytes of the previous image in its buffer.
        with (
            open(fd, "rb", closefd=False) as file,
            open_image(file, max_pixels=max_pixels) as image,
        ):
            if image.width * image.height > large_pixels:
                _reply({"status": "large"})
                sys.stdin.buffer.readline()
            kind, width, height, thumbnail = decode(image)
    except Undecodable as error:
        return {"status": "rejected", "reason": error.reason, "args": error.details}, b""
    except MemoryError:
        return {"status": "too_large"}, b""
    header = {"status": "ok", "format": kind, "width": width, "height": height, "length": len(thumbnail)}
    return header, thumbnail


def _has_memory(limit: int) -> bool:
    """Whether the limit was the cause: without overcommitment, the machine itself may be out of memory."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - avoids importing pathlib
            used = int(file.read().split()[0]) * mmap.PAGESIZE
        size = max(mmap.PAGESIZE, limit - used - _MEMORY_MARGIN_BYTES)
        mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except FileNotFoundError:
        return True
    except (OSError, MemoryError):
        return False
    return True


def _limit_cpu(seconds: int) -> None:
    """Let the kernel kill this process after so many more seconds of CPU time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


def _reply(header: dict[str, object], body: bytes = b"") -> None:
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(encoded)) + encoded + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
