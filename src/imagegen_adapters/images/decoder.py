"""Decodes images in a child process; imports only Pillow and the standard library, to keep it small.

Started as ``python -m … FD MAX_PIXELS LARGE_PIXELS MEMORY_BYTES CPU_SECONDS``; it may be killed at any time.
Each image is in the file ``FD``. A line on standard input, the type such as ``PNG`` or ``SVG``, requests its
decoding, and with a side such as `` 512`` behind it also a thumbnail of at most so many pixels a side; end of
input ends the process. A reply is a 4-byte big-endian length, so many bytes of JSON and, with
``"status": "ok"``, ``length`` bytes of thumbnail. ``"large"`` requests another line before many pixels are
decoded; ``"no_memory"`` blames the machine, not the image.
"""

import contextlib
import io
import json
import mmap
import re
import resource
import struct
import sys
import warnings
from typing import Any, BinaryIO, NamedTuple

from PIL import Image
from PIL.Image import DecompressionBombError, DecompressionBombWarning, Resampling, Transpose

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

_LENGTH = re.compile(r"\s*(\d{1,6}(?:\.\d+)?|\.\d+)(px|pt|pc|in|cm|mm)?\s*", re.ASCII)
_UNIT_PIXELS = {None: 1.0, "px": 1.0, "pt": 96 / 72, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}
_EXPAT_NO_MEMORY = 1


class Undecodable(Exception):
    """The bytes are no acceptable image; ``reason`` names a row of `InspectionCode`."""

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(reason)
        self.reason, self.details = reason, details


class Decoded(NamedTuple):
    """The size with EXIF orientation applied, and a WebP without metadata; empty if none was drawn."""

    format: str
    width: int
    height: int
    thumbnail: bytes


def open_image(file: BinaryIO, kind: str, *, max_pixels: int) -> Image.Image:
    """Read the header without decoding; an unacceptable image is `Undecodable`."""
    _check_whole(file, kind, max_pixels)
    file.seek(0)
    if kind == "AVIF":  # a thread more takes its own memory; the plugin is 2 MB that few need
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        if not AvifImagePlugin.SUPPORTED:
            raise Undecodable("NO_AVIF")
    try:
        image = Image.open(file, formats=[kind])
    except (DecompressionBombError, DecompressionBombWarning) as error:
        raise Undecodable("TOO_MANY_MEGAPIXELS", maximum=max_pixels / 1e6) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise all kinds of exceptions for broken headers
        raise Undecodable("HEADER_UNREADABLE", format=kind) from error
    _check_pixels(*image.size, max_pixels)
    return image


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise Undecodable("MEGAPIXELS_EXCEEDED", maximum=max_pixels / 1e6, width=width, height=height)


def decode(image: Image.Image, *, side: int) -> Decoded:
    """Decode the whole first frame: `Undecodable` if it is broken, `MemoryError` at the process's limit.

    With a ``side``, also make a thumbnail.
    """
    kind, (width, height) = str(image.format).replace("MPO", "JPEG"), image.size
    factor = max(1, max(width, height) // (side or 1))
    try:
        if kind == "JPEG":  # still reads every coefficient, in up to 1/64 of the memory
            image.draft("" if side else "L", (max(1, width // factor), max(1, height // factor)))
        image.load()
        transpose = _transpose(image)
        thumbnail = _drawn(image, width, height, transpose, side) if side else b""
    except MemoryError:
        raise
    except Exception as error:  # a broken file raises OSError, ValueError, SyntaxError, struct.error, …
        raise Undecodable("BROKEN_IMAGE", format=kind) from error
    if transpose in (Transpose.TRANSPOSE, Transpose.TRANSVERSE, Transpose.ROTATE_90, Transpose.ROTATE_270):
        width, height = height, width
    return Decoded(kind, width, height, thumbnail)


def _drawn(image: Image.Image, width: int, height: int, transpose: Transpose | None, side: int) -> bytes:
    """Return the thumbnail of a decoded image, whose full size is given; it enlarges nothing."""
    scale, small = min(1, side / max(width, height)), _reduced(image, side)
    if small.size != (size := (max(1, round(width * scale)), max(1, round(height * scale)))):
        small = small.resize(size, Resampling.HAMMING)
    if transpose is not None:
        small = small.transpose(transpose)
    buffer = io.BytesIO()
    small.save(buffer, format="WEBP", quality=80, method=_WEBP_METHODS[small.mode])
    return buffer.getvalue()


def _transpose(image: Image.Image) -> Transpose | None:
    try:
        return _TRANSPOSE_BY_ORIENTATION.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - invalid EXIF is ignored; its errors have no common type
        return None


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Return the image in RGB(A), reduced by averaging, without an intermediate copy in full size."""
    transparent = image.mode in _TRANSPARENT_MODES or "transparency" in image.info
    mode, factor = "RGBA" if transparent else "RGB", max(1, max(image.size) // side)
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


# ---------------------------------------------------------------- whole files


def _check_whole(file: BinaryIO, kind: str, max_pixels: int) -> None:
    """Reject a truncated file if its container format reveals it; Pillow tolerates some of these."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    match kind:
        case "PNG":
            is_whole = _has_all_chunks(file, size)
        case "WEBP":
            is_whole = int.from_bytes(file.read(8)[4:], "little") + 8 <= size
        case "GIF":
            is_whole = _has_all_frames(file, max_pixels)
        case "AVIF":
            is_whole = _has_all_boxes(file, size)
        case _:
            is_whole = True
    if not is_whole:
        raise Undecodable("TRUNCATED_IMAGE", format=kind)


def _has_all_chunks(file: BinaryIO, size: int) -> bool:
    position = len(_PNG_SIGNATURE)
    while position + 12 <= size:
        file.seek(position)
        head = file.read(8)
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return position <= size
    return False


def _has_all_boxes(file: BinaryIO, size: int) -> bool:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 0:  # to the end of the file
            return True
        length = int.from_bytes(head[8:], "big") if length == 1 else length
        position += max(8, length)
    return position <= size


def _has_all_frames(file: BinaryIO, max_pixels: int) -> bool:
    """Return whether a GIF's blocks lead to its end; of each of its frames only the header is read."""
    (flags,) = struct.unpack("<10xB2x", file.read(13).ljust(13, b"\0"))
    _skip_palette(file, flags)
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            x, y, width, height, flags = struct.unpack("<4HB", file.read(9).ljust(9, b"\0"))
            _check_pixels(x + width, y + height, max_pixels)
            _skip_palette(file, flags)
        file.seek(1, io.SEEK_CUR)  # the extension's kind, or the bits of a code
        while (length := file.read(1)) > b"\0":
            file.seek(length[0], io.SEEK_CUR)
    return kind == b";"


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, io.SEEK_CUR)


# ---------------------------------------------------------------- SVG


def measure_svg(file: BinaryIO) -> Decoded:
    """Read an SVG to its end and draw nothing. Entities may not be declared; no other file is read.

    The size is that of its attributes in pixels, or else of its view box, or 0 by 0.
    """
    from xml.parsers import expat

    root: dict[str, str] = {}

    def begin(name: str, attributes: dict[str, str]) -> None:
        parser.StartElementHandler = None
        if name.rpartition(":")[2] != "svg":
            raise Undecodable("BROKEN_IMAGE", format="SVG")
        root.update(attributes)

    def refuse(*_: object) -> None:
        raise Undecodable("SVG_ENTITIES")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EntityDeclHandler = begin, refuse
    file.seek(0)
    try:
        # In small pieces, a long attribute takes time by the square of its length.
        parser.Parse(file.read(), True)  # noqa: FBT003 - it has no name
    except (Undecodable, MemoryError):
        raise
    except Exception as error:  # expat's own, and those of Python's codecs
        if getattr(error, "code", None) == _EXPAT_NO_MEMORY:
            raise MemoryError from error
        raise Undecodable("BROKEN_IMAGE", format="SVG") from error
    box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    size = _sides(root.get("width", ""), root.get("height", "")) or _sides(*box[2:]) or (0, 0)
    return Decoded("SVG", *size, b"")


def _sides(width: str = "", height: str = "", *_: str) -> tuple[int, int] | None:
    matches = _LENGTH.fullmatch(width), _LENGTH.fullmatch(height)
    sides = [round(float(match[1]) * _UNIT_PIXELS[match[2]]) if match else 0 for match in matches]
    return (sides[0], sides[1]) if all(sides) else None


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
        while line := sys.stdin.buffer.readline():
            _limit_cpu(cpu_seconds)
            request = line.decode().strip()
            header, body = _answer(fd, request, max_pixels, large_pixels)  # the image's memory is free by now
            if header["status"] == "too_large":
                header = _TOO_LARGE if _has_memory(memory_bytes) else {"status": "no_memory"}
            _reply(header, body)


def _answer(fd: int, request: str, max_pixels: int, large_pixels: int) -> tuple[dict[str, object], bytes]:
    kind, _, side = request.partition(" ")
    try:
        # Reopened each time: an open file object would keep bytes of the previous image in its buffer.
        with open(fd, "rb", closefd=False) as file:
            if kind == "SVG":
                _, width, height, thumbnail = measure_svg(file)
            else:
                with open_image(file, kind, max_pixels=max_pixels) as image:
                    # An AVIF may have more pixels than its header says.
                    if kind == "AVIF" or image.width * image.height > large_pixels:
                        _reply({"status": "large"})
                        sys.stdin.buffer.readline()
                    _, width, height, thumbnail = decode(image, side=int(side or 0))
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
