"""Inspects untrusted images in child processes, which may crash, hang or exhaust memory on their own."""

import asyncio
import contextlib
import io
import json
import os
import signal
import struct
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from typing import Any

from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, MediaType
from imagegen_core.limits import MAX_IMAGE_PIXELS
from imagegen_core.messages import MessageCode
from imagegen_core.ports.tools import ImageRejected, Inspection, InspectorUnavailable


class InspectionCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with an image, or with its inspection."""


_WORKERS = 2
"""How many images are decoded at the same time."""

_LARGE_PIXELS = 10_000_000
"""Larger images are decoded one at a time: a WebP of 40 megapixels takes 640 MB during decoding."""

_MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space of a child. Peaks at 40 megapixels: PNG 211 MB, progressive JPEG 264, AVIF 571, WebP 652."""

_MAX_TRIES = 2
"""How many children may die over an image before it is given up."""


class SubprocessInspector:
    """Decodes in child processes, which start on demand and end after ``idle_seconds``; `aclose` ends all.

    An image is rejected if a child rejects it, if it crashes two children, or if it takes ``cpu_seconds`` of
    CPU time. A child killed from outside, or a machine too busy for ``patience_seconds``, says nothing about
    the image: it raises `InspectorUnavailable`.
    """

    def __init__(
        self, *, cpu_seconds: int = 20, patience_seconds: float = 120.0, idle_seconds: float = 60.0
    ) -> None:
        self._cpu_seconds, self._patience_seconds = cpu_seconds, patience_seconds
        self._slots = [_Slot(cpu_seconds, idle_seconds) for _ in range(_WORKERS)]
        self._free = list(self._slots)
        self._workers = asyncio.Semaphore(_WORKERS)
        self._one_large, self._one_drawn = asyncio.Lock(), asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        children = (slot.child for slot in self._slots)
        return tuple(child.pid for child in children if child is not None and child.returncode is None)

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        return (await self._decode(chunks, side=0))[0]

    async def draw(self, chunks: AsyncIterator[bytes], side: int) -> bytes:
        """Make thumbnails one at a time, so that a crowd who looks leaves a child to the running tasks."""
        async with self._one_drawn:
            return (await self._decode(chunks, side=side))[1]

    async def _decode(self, chunks: AsyncIterator[bytes], *, side: int) -> tuple[Inspection, bytes]:
        async with self._workers:
            if self._closed.is_set():
                raise InspectorUnavailable(InspectionCode.INSPECTOR_CLOSED())
            slot = self._free.pop()  # the most recently used, so that the others become idle
            try:
                kind = _media_type(await slot.fill(chunks)).name
                return await self._decode_in(slot, f"{kind} {side}" if side else kind)
            finally:
                slot.empty()
                self._free.append(slot)
                if self._closed.is_set():
                    await slot.close()

    async def aclose(self) -> None:
        """Kill all children; images being decoded fail with `InspectorUnavailable`."""
        self._closed.set()
        for slot in self._slots:
            await slot.stop()
        for slot in self._free:
            await slot.close()

    async def _decode_in(self, slot: "_Slot", request: str) -> tuple[Inspection, bytes]:
        crashes = 0
        for _ in range(_MAX_TRIES):
            if self._closed.is_set():
                break
            child = await slot.running_child()
            try:
                header, thumbnail = await self._answer(child, request)
                return _inspection(header), thumbnail
            except DecoderDied as death:
                await slot.stop()
                if death.signal_number == signal.SIGXCPU:
                    raise ImageRejected(InspectionCode.TOO_MUCH_WORK(seconds=self._cpu_seconds)) from death
                crashes += death.signal_number in _CRASHES
            except (ImageRejected, InspectorUnavailable):
                raise
            except TimeoutError as error:
                await slot.stop()
                raise InspectorUnavailable(InspectionCode.MACHINE_BUSY()) from error
            except BaseException:  # also when cancelled: its reply would be read as the next one's
                await slot.stop()
                raise
        if self._closed.is_set():
            raise InspectorUnavailable(InspectionCode.INSPECTOR_CLOSED())
        if crashes == _MAX_TRIES:
            raise ImageRejected(InspectionCode.DECODER_CRASHES())
        raise InspectorUnavailable(InspectionCode.DECODER_ENDED())

    async def _answer(self, child: Process, request: str) -> tuple[dict[str, Any], bytes]:
        async with asyncio.timeout(self._patience_seconds):
            header, body = await _ask(child, request)
        if header.get("status") != "large":
            return header, body
        async with self._one_large, asyncio.timeout(self._patience_seconds):
            return await _ask(child, request)


class _Slot:
    """A file for one image at a time, and the child that decodes it from there."""

    def __init__(self, cpu_seconds: int, idle_seconds: float) -> None:
        self._cpu_seconds, self._idle_seconds = cpu_seconds, idle_seconds
        self._fd: int | None = None
        self._idle: asyncio.Task[None] | None = None
        self.child: Process | None = None

    async def fill(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Write the image to the file and return its beginning; this process never holds all of it."""
        self._cancel_idle_timer()
        size, head = 0, b""
        async for chunk in chunks:
            head += chunk[: SIGNATURE_BYTES - len(head)]
            if size + len(chunk) > MAX_IMAGE_BYTES:
                raise _too_large()
            try:
                fd, rest = self._file(), memoryview(chunk)
                while rest:
                    written = os.pwrite(fd, rest, size)
                    size, rest = size + written, rest[written:]
            except OSError as error:
                raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error
        return head

    def _file(self) -> int:
        """Return the descriptor of an unnamed file, in memory if the system supports it."""
        if self._fd is None and hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("picture", os.MFD_CLOEXEC)
        elif self._fd is None:
            with tempfile.TemporaryFile() as file:
                self._fd = os.dup(file.fileno())
        return self._fd

    async def running_child(self) -> Process:
        if self.child is not None and self.child.returncode is not None:
            await self.stop()
        if self.child is None:
            try:
                self.child = await _start_child(self._file(), self._cpu_seconds)
            except (OSError, DecoderDied) as error:
                raise InspectorUnavailable(InspectionCode.NO_DECODER()) from error
        return self.child

    def empty(self) -> None:
        """Remove the image, and let the child end unless it is needed again soon."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
        if self.child is not None:
            self._idle = asyncio.create_task(self._retire_when_idle())

    async def stop(self) -> None:
        self._cancel_idle_timer()
        child, self.child = self.child, None
        if child is not None:
            await asyncio.shield(_kill(child))

    async def close(self) -> None:
        await self.stop()
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _cancel_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _retire_when_idle(self) -> None:
        await asyncio.sleep(self._idle_seconds)
        child, self.child = self.child, None
        self._idle = None  # from here on, nobody cancels this task
        if child is not None:
            await _retire(child)


def _too_large() -> ImageRejected:
    return ImageRejected(InspectionCode.IMAGE_BYTES_EXCEEDED(maximum=MAX_IMAGE_BYTES / 2**20))


def _media_type(head: bytes) -> MediaType:
    media_type = MediaType.sniff(head)
    if media_type is None:
        raise ImageRejected(InspectionCode.UNKNOWN_FORMAT())
    return media_type


def _inspection(header: Mapping[str, Any]) -> Inspection:
    try:
        if header.get("status") == "rejected":
            raise ImageRejected(InspectionCode[str(header["reason"])](**header["args"]))
        if header.get("status") == "no_memory":
            raise InspectorUnavailable(InspectionCode.NO_MEMORY())
        width, height = int(header["width"]), int(header["height"])
        mime_type = MediaType[header["format"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DecoderDied from error
    return Inspection(mime_type=mime_type, width=width, height=height)


# ---------------------------------------------------------------- one child

_START_SECONDS = 30.0
_END_SECONDS = 5.0
_MAX_HEADER_BYTES = 4096
_MAX_THUMBNAIL_BYTES = 4 * 1024 * 1024

_INHERITED_VARIABLES = frozenset(
    ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
)
"""The process that decodes untrusted images gets no other variables, since those may contain keys."""

_MALLOC_VARIABLES = {
    # Larger blocks return to the system when freed, so a large image leaves no memory allocated. Usual images
    # reuse theirs, which saves a tenth of their time in page faults.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),
}

_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
"""Crashes of the decoder itself. Other signals come from outside, such as SIGKILL from the OOM killer."""


class DecoderDied(Exception):
    """The child ended or sent an invalid reply; ``signal_number`` is None if unknown."""

    def __init__(self, *, signal_number: int | None = None) -> None:
        super().__init__("the decoding process died")
        self.signal_number = signal_number


async def _start_child(fd: int, cpu_seconds: int) -> Process:
    environment = {
        n: v for n, v in os.environ.items() if n in _INHERITED_VARIABLES or n.startswith("COVERAGE_")
    }
    arguments = (fd, MAX_IMAGE_PIXELS, _LARGE_PIXELS, _MEMORY_BYTES, cpu_seconds)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # never import modules from the current directory
        "-m",
        "imagegen_adapters.images.decoder",
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2 * _MAX_THUMBNAIL_BYTES,
        env={**environment, **_MALLOC_VARIABLES},
        pass_fds=(fd,),
        start_new_session=True,  # Ctrl-C is handled by the parent, which then ends the child
    )
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _reply(child)
    except TimeoutError:
        await _kill(child)
        raise DecoderDied from None
    except BaseException:  # also when cancelled: nobody else knows the process
        await _kill(child)
        raise
    return child


async def _ask(child: Process, request: str) -> tuple[dict[str, Any], bytes]:
    """Request the next step; return the reply's header and, with status ``ok``, the thumbnail."""
    assert child.stdin is not None  # noqa: S101 - a pipe
    # Reading the reply fails too, with the reason. uvloop raises RuntimeError for a closed pipe.
    with contextlib.suppress(ConnectionError, RuntimeError):
        child.stdin.write(f"{request}\n".encode())
        await child.stdin.drain()
    return await _reply(child)


async def _reply(child: Process) -> tuple[dict[str, Any], bytes]:
    assert child.stdout is not None  # noqa: S101 - a pipe
    try:
        (length,) = struct.unpack(">I", await child.stdout.readexactly(4))
        if length > _MAX_HEADER_BYTES:
            raise DecoderDied
        header = json.loads(await child.stdout.readexactly(length))
        size = int(header.get("length", 0))
        if not 0 <= size <= _MAX_THUMBNAIL_BYTES:
            raise DecoderDied
        return header, await child.stdout.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        try:  # it closed its output, so it is about to end; killing it would hide the original signal
            async with asyncio.timeout(_END_SECONDS):
                await child.wait()
        except TimeoutError:
            await _kill(child)
        raise DecoderDied(signal_number=-(child.returncode or 0)) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise DecoderDied from error


async def _kill(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await _retire(child)


async def _retire(child: Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    await child.wait()


# ---------------------------------------------------------------- without a child


class ThreadInspector:
    """Decodes in threads, without limits on time and memory: for tests and for embedding programs."""

    def __init__(self) -> None:
        self._workers = asyncio.Semaphore(_WORKERS)

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        return (await self._decode(chunks, side=0))[0]

    async def draw(self, chunks: AsyncIterator[bytes], side: int) -> bytes:
        return (await self._decode(chunks, side=side))[1]

    async def _decode(self, chunks: AsyncIterator[bytes], *, side: int) -> tuple[Inspection, bytes]:
        async with self._workers:
            file = io.BytesIO()
            async for chunk in chunks:
                if file.write(chunk) and file.tell() > MAX_IMAGE_BYTES:
                    raise _too_large()
            return await asyncio.to_thread(_decode_file, file, side=side)


def _decode_file(file: io.BytesIO, *, side: int) -> tuple[Inspection, bytes]:
    from imagegen_adapters.images.decoder import Undecodable, decode, measure_svg, open_image  # with Pillow

    media_type = _media_type(bytes(file.getbuffer()[:SIGNATURE_BYTES]))
    try:
        if media_type is MediaType.SVG:
            _, width, height, thumbnail = measure_svg(file)
        else:
            with open_image(file, media_type.name, max_pixels=MAX_IMAGE_PIXELS) as image:
                _, width, height, thumbnail = decode(image, side=side)
    except Undecodable as error:
        raise ImageRejected(InspectionCode[error.reason](**error.details)) from error
    except MemoryError as error:  # only the machine limits memory here
        raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error
    return Inspection(mime_type=media_type, width=width, height=height), thumbnail
