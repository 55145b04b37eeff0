"""The child's side: decodes one image after the other, in a process that may be killed at any time.

Started as ``python -m … FD MAX_IMAGE_PIXELS LARGE_PIXELS MEMORY_BYTES CPU_SECONDS``. Each image lies in
the file ``FD``; a line on standard input asks for it, and the end of standard input ends the process.
An answer is a 4-byte big-endian length, that much JSON and, with ``"status": "ok"``, ``length`` bytes
of thumbnail. ``"large"`` asks for one more line before it decodes an image of many pixels; ``"no_memory"``
says that the machine, not the image, is at fault.
"""

import contextlib
import json
import mmap
import resource
import struct
import sys
import warnings

from PIL import Image

from imagegen_adapters.image_inspectors.decoding import Decoded, Undecodable, decode, open_image

_MEMORY_MARGIN_BYTES = 32 * 1024 * 1024
_TOO_LARGE: dict[str, object] = {"status": "rejected", "reason": "TOO_MUCH_MEMORY", "args": {}}


def main(arguments: list[str]) -> None:
    """Answer until standard input ends."""
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
            header, body = _answer(fd, max_pixels, large_pixels)  # by now the image's memory is free again
            if header["status"] == "too_large":
                header = _TOO_LARGE if _has_memory(memory_bytes) else {"status": "no_memory"}
            _reply(header, body)


def _answer(fd: int, max_pixels: int, large_pixels: int) -> tuple[dict[str, object], bytes]:
    try:
        decoded = _decoded(fd, max_pixels, large_pixels)
    except Undecodable as error:
        return {"status": "rejected", "reason": error.reason, "args": error.details}, b""
    except MemoryError:
        return {"status": "too_large"}, b""
    header = {"status": "ok", "format": decoded.format, "width": decoded.width, "height": decoded.height}
    return {**header, "length": len(decoded.thumbnail)}, decoded.thumbnail


def _decoded(fd: int, max_pixels: int, large_pixels: int) -> Decoded:
    # Opened anew each time: a kept one would hold the last image's bytes in its buffer.
    with (
        open(fd, "rb", closefd=False) as file,
        open_image(file, max_pixels=max_pixels) as image,
    ):
        if image.width * image.height > large_pixels:
            _reply({"status": "large"})
            sys.stdin.buffer.readline()
        return decode(image)


def _has_memory(limit: int) -> bool:
    """Return whether as much could be had as the limit allows, so that only the limit can have refused more.

    Where the kernel commits no more memory than there is, the machine itself may have refused.
    """
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would have to be loaded
            used = int(file.read().split()[0]) * mmap.PAGESIZE
        mmap.mmap(
            -1, max(mmap.PAGESIZE, limit - used - _MEMORY_MARGIN_BYTES), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        ).close()
    except FileNotFoundError:
        return True
    except (OSError, MemoryError):
        return False
    return True


def _limit_cpu(seconds: int) -> None:
    """Let the kernel end this process after so many more seconds of work."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


def _reply(header: dict[str, object], body: bytes = b"") -> None:
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(encoded)) + encoded + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
