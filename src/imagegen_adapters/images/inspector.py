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
from collections.abc import AsyncIterator, Mapping
from typing import Any

from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.limits import MAX_IMAGE_PIXELS
from imagegen_core.messages import MessageCode
from imagegen_core.ports.tools import ImageRejected, Inspection, InspectorUnavailable


class InspectionCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with an image, or with its inspection."""


_LARGE_PIXELS = 10_000_000
"""Larger images are decoded one at a time: a WebP of 40 megapixels takes 640 MB during decoding."""

_MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space of a child. Peaks measured at 40 megapixels: PNG 211 MB, progressive JPEG 264, WebP 652."""


_MAX_TRIES = 2
"""How many children may fail to decode an image before it is given up."""


class SubprocessInspector:
    """Keeps up to ``workers`` children, which are started on demand and ended when idle.

    If a child dies, its image is decoded again in a new child. An image is rejected if a child rejects it, if
    it crashes two children, or if it takes too much CPU time. If a child was killed from outside, or the
    machine is too busy, nothing is known about the image, so `InspectorUnavailable` is raised instead.
    `aclose` ends all children.

    Args:
        workers: the number of images decoded concurrently.
        cpu_seconds: the CPU time that one image may take.
        patience_seconds: how long one image may take on a busy machine.
        idle_seconds: how long a child waits for the next image.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        cpu_seconds: int = 20,
        patience_seconds: float = 120.0,
        idle_seconds: float = 60.0,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._patience_seconds = patience_seconds
        limits = (MAX_IMAGE_PIXELS, _LARGE_PIXELS, _MEMORY_BYTES, cpu_seconds)
        self._slots = [_Slot(limits, idle_seconds) for _ in range(workers)]
        self._free = list(self._slots)
        self._workers = asyncio.Semaphore(workers)
        self._one_large = asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(s.child.pid for s in self._slots if s.child is not None and s.child.alive)

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        """Decode the whole image; see `Inspect`."""
        async with self._workers:
            if self._closed.is_set():
                raise InspectorUnavailable(InspectionCode.INSPECTOR_CLOSED())
            slot = self._free.pop()  # the most recently used, so that the others become idle
            try:
                await slot.fill(chunks)
                return await self._decode(slot)
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

    async def _decode(self, slot: "_Slot") -> Inspection:
        crashes = 0
        for _ in range(_MAX_TRIES):
            if self._closed.is_set():
                break
            child = await slot.running_child()
            try:
                return _inspection(*await self._answer(child))
            except DecoderDied as death:
                await slot.stop()
                if death.out_of_time:
                    reason = InspectionCode.TOO_MUCH_WORK(seconds=self._cpu_seconds)
                    raise ImageRejected(reason) from death
                crashes += death.crashed
            except (ImageRejected, InspectorUnavailable):
                raise
            except TimeoutError as error:
                await slot.stop()
                raise InspectorUnavailable(InspectionCode.MACHINE_BUSY()) from error
            except BaseException:  # cancelled too, its reply would be read as the next one's
                await slot.stop()
                raise
        if self._closed.is_set():
            raise InspectorUnavailable(InspectionCode.INSPECTOR_CLOSED())
        if crashes == _MAX_TRIES:
            raise ImageRejected(InspectionCode.DECODER_CRASHES())
        raise InspectorUnavailable(InspectionCode.DECODER_ENDED())

    async def _answer(self, child: "DecoderProcess") -> tuple[dict[str, Any], bytes]:
        async with asyncio.timeout(self._patience_seconds):
            header, body = await child.ask()
        if header.get("status") != "large":
            return header, body
        async with self._one_large, asyncio.timeout(self._patience_seconds):
            return await child.ask()


class _Slot:
    """A file to which an image is written, and the child that decodes it from there."""

    def __init__(self, limits: tuple[int, ...], idle_seconds: float) -> None:
        self._limits = limits
        self._idle_seconds = idle_seconds
        self._fd: int | None = None
        self._idle: asyncio.Task[None] | None = None
        self.child: DecoderProcess | None = None

    async def fill(self, chunks: AsyncIterator[bytes]) -> None:
        """Write the image to the file; it is never held completely in this process's memory."""
        self._cancel_idle_timer()
        size = 0
        async for chunk in chunks:
            if size + len(chunk) > MAX_IMAGE_BYTES:
                raise ImageRejected(InspectionCode.IMAGE_BYTES_EXCEEDED(maximum=MAX_IMAGE_BYTES / 2**20))
            try:
                fd, rest = self._file(), memoryview(chunk)
                while rest:
                    written = os.pwrite(fd, rest, size)
                    size, rest = size + written, rest[written:]
            except OSError as error:
                raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error

    def _file(self) -> int:
        if self._fd is None:
            self._fd = _anonymous_file()
        return self._fd

    async def running_child(self) -> "DecoderProcess":
        """Return the running child, or start one."""
        if self.child is not None and not self.child.alive:
            await self.stop()
        if self.child is None:
            try:
                self.child = await DecoderProcess.start(self._file(), self._limits)
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
        """Kill the child."""
        self._cancel_idle_timer()
        child, self.child = self.child, None
        if child is not None:
            await asyncio.shield(child.kill())

    async def close(self) -> None:
        """Kill the child and close the file."""
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
            await child.retire()


def _inspection(header: Mapping[str, Any], thumbnail: bytes) -> Inspection:
    try:
        if header.get("status") == "rejected":
            raise ImageRejected(InspectionCode[str(header["reason"])](**header["args"]))
        if header.get("status") == "no_memory":
            raise InspectorUnavailable(InspectionCode.NO_MEMORY())
        width, height = int(header["width"]), int(header["height"])
        mime_type = MediaType[header["format"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DecoderDied from error
    return Inspection(mime_type=mime_type, width=width, height=height, thumbnail=thumbnail)


def _anonymous_file() -> int:
    """Return the descriptor of an unnamed file, in memory if the system supports it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


# ---------------------------------------------------------------- the handle of one child

_MIB = 1024 * 1024
_START_SECONDS = 30.0
_END_SECONDS = 5.0
_MAX_HEADER_BYTES = 4096
_MAX_THUMBNAIL_BYTES = 2 * _MIB
_READ_LIMIT_BYTES = 2 * _MAX_THUMBNAIL_BYTES

_INHERITED_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
)
"""The process that decodes untrusted images gets no other variables, since those may contain keys."""

_MALLOC_VARIABLES = {
    # Larger blocks are returned to the system when freed, so a large image leaves no memory allocated. Those
    # of usual images are used again, which saves a tenth of their time: new pages come with page faults.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * _MIB),
    "MALLOC_TRIM_THRESHOLD_": str(8 * _MIB),
}


_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
"""Crashes of the decoder itself. Other signals come from outside, such as SIGKILL from the OOM killer."""


class DecoderDied(Exception):
    """The child ended or sent an invalid reply; ``signal_number`` is what killed it, None if unknown."""

    def __init__(self, *, signal_number: int | None = None) -> None:
        super().__init__("the decoding process died")
        self.out_of_time = signal_number == signal.SIGXCPU
        self.crashed = signal_number in _CRASHES


class DecoderProcess:
    """A running child that reads images from the file ``fd``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, fd: int, limits: tuple[int, ...]) -> "DecoderProcess":
        """Start a child and return it once it is ready; `OSError` or `DecoderDied` if it cannot be."""
        environment = {
            n: v for n, v in os.environ.items() if n in _INHERITED_VARIABLES or n.startswith("COVERAGE_")
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never import modules from the current directory
            "-m",
            "imagegen_adapters.images.decoder",
            *map(str, (fd, *limits)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_READ_LIMIT_BYTES,
            env={**environment, **_MALLOC_VARIABLES},
            pass_fds=(fd,),
            start_new_session=True,  # Ctrl-C is handled by the parent, which then ends the child
        )
        child = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await child._reply()
        except TimeoutError:
            await child.kill()
            raise DecoderDied from None
        except BaseException:  # cancelled too, nobody else knows the process
            await child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still running, as far as known."""
        return self._process.returncode is None

    async def ask(self) -> tuple[dict[str, Any], bytes]:
        """Request the next step; return the header of the reply and, with status ``ok``, the thumbnail.

        `DecoderDied` if the child can no longer reply.
        """
        writer = self._process.stdin
        if writer is not None:
            # Reading the reply fails too, and gives the reason; uvloop has a RuntimeError for a closed pipe.
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.write(b"go\n")
                await writer.drain()
        return await self._reply()

    async def kill(self) -> None:
        """Kill the process and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.retire()

    async def _end(self) -> None:
        """Wait for a child that closed its output to end, since killing it would hide the original signal."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def retire(self) -> None:
        """Let the process end by itself and wait for its end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    async def _reply(self) -> tuple[dict[str, Any], bytes]:
        reader = self._process.stdout
        if reader is None:
            raise DecoderDied
        try:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            if length > _MAX_HEADER_BYTES:
                raise DecoderDied
            header = json.loads(await reader.readexactly(length))
            size = int(header.get("length", 0))
            if not 0 <= size <= _MAX_THUMBNAIL_BYTES:
                raise DecoderDied
            return header, await reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self._end()
            raise DecoderDied(signal_number=-(self._process.returncode or 0)) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise DecoderDied from error


# ---------------------------------------------------------------- without a child


class ThreadInspector:
    """Decodes in threads of this process, for programs that embed the library, and for tests.

    It accepts and rejects the same images as `SubprocessInspector`, without its limits on time and memory.
    """

    def __init__(self, *, workers: int = 2) -> None:
        self._workers = asyncio.Semaphore(workers)

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        async with self._workers:
            file = io.BytesIO()
            async for chunk in chunks:
                if file.write(chunk) and file.tell() > MAX_IMAGE_BYTES:
                    raise ImageRejected(InspectionCode.IMAGE_BYTES_EXCEEDED(maximum=MAX_IMAGE_BYTES / 2**20))
            return await asyncio.to_thread(_inspected, file)


def _inspected(file: io.BytesIO) -> Inspection:
    from imagegen_adapters.images.decoder import Undecodable, decode, open_image  # with Pillow

    try:
        with open_image(file, max_pixels=MAX_IMAGE_PIXELS) as image:
            decoded = decode(image)
    except Undecodable as error:
        raise ImageRejected(InspectionCode[error.reason](**error.details)) from error
    except MemoryError as error:  # only the machine limits memory here
        raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error
    media_type, thumbnail = MediaType[decoded.format], decoded.thumbnail
    return Inspection(mime_type=media_type, width=decoded.width, height=decoded.height, thumbnail=thumbnail)
