"""The child process: decodes one image after another, and may be killed at any time.

Started as ``python -m … FD MAX_PIXELS LARGE_PIXELS MEMORY_BYTES CPU_SECONDS``. Each image is written to the
file ``FD``; a line on standard input requests its decoding, and the end of standard input ends the process.
A reply is a 4-byte big-endian length, that many bytes of JSON and, with ``"status": "ok"``, ``length`` bytes
of thumbnail. The status ``"large"`` requests another line before an image of many pixels is decoded;
``"no_memory"`` means that the machine, not the image, is at fault.
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
    """Reply to requests until standard input ends."""
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
            header, body = _answer(fd, max_pixels, large_pixels)  # the image's memory has been freed by now
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
    # Reopened each time: an open file object would keep bytes of the previous image in its buffer.
    with (
        open(fd, "rb", closefd=False) as file,
        open_image(file, max_pixels=max_pixels) as image,
    ):
        if image.width * image.height > large_pixels:
            _reply({"status": "large"})
            sys.stdin.buffer.readline()
        return decode(image)


def _has_memory(limit: int) -> bool:
    """Return whether memory up to the limit can be allocated, so that only the limit was exceeded.

    If the kernel does not overcommit memory, the machine itself may be out of it.
    """
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - avoids importing pathlib
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
    """Let the kernel kill this process after this many more seconds of CPU time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + seconds + 1, hard))


def _reply(header: dict[str, object], body: bytes = b"") -> None:
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(encoded)) + encoded + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
