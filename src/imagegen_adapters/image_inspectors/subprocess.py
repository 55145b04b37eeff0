"""Decodes in child processes, which may crash, hang or exhaust memory without affecting the service."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator

from imagegen_adapters.image_inspectors.decoder_process import (
    DecoderDied,
    DecoderLimits,
    DecoderProcess,
    Reply,
)
from imagegen_adapters.image_inspectors.messages import InspectionCode
from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.limits import MAX_IMAGE_PIXELS
from imagegen_core.messages import Message
from imagegen_core.ports.image_inspector import ImageRejected, Inspection, InspectorUnavailable

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
        max_bytes: the largest file.
        max_pixels: the largest image.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        cpu_seconds: int = 20,
        patience_seconds: float = 120.0,
        idle_seconds: float = 60.0,
        max_bytes: int = MAX_IMAGE_BYTES,
        max_pixels: int = MAX_IMAGE_PIXELS,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._patience_seconds = patience_seconds
        self._max_bytes = max_bytes
        limits = DecoderLimits(
            max_pixels=max_pixels,
            large_pixels=_LARGE_PIXELS,
            memory_bytes=_MEMORY_BYTES,
            cpu_seconds=cpu_seconds,
        )
        self._slots = [_Slot(limits, idle_seconds) for _ in range(workers)]
        self._free = list(self._slots)
        self._workers = asyncio.Semaphore(workers)
        self._one_large = asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the running children."""
        return tuple(s.child.pid for s in self._slots if s.child is not None and s.child.alive)

    async def inspect(self, chunks: AsyncIterator[bytes]) -> Inspection:
        """Decode the whole image; see the port.

        Raises:
            ImageRejected: the image is invalid or exceeds a limit.
            InspectorUnavailable: no child could be started or finish, or the inspector is closed.
        """
        async with self._workers:
            if self._closed.is_set():
                raise InspectorUnavailable(InspectionCode.INSPECTOR_CLOSED())
            slot = self._free.pop()  # the most recently used, so that the others become idle
            try:
                await slot.fill(chunks, self._max_bytes)
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
                return _inspection(await self._answer(child))
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

    async def _answer(self, child: DecoderProcess) -> Reply:
        async with asyncio.timeout(self._patience_seconds):
            reply = await child.ask()
        if reply.status != "large":
            return reply
        async with self._one_large, asyncio.timeout(self._patience_seconds):
            return await child.ask()


class _Slot:
    """A file to which an image is written, and the child that decodes it from there."""

    def __init__(self, limits: DecoderLimits, idle_seconds: float) -> None:
        self._limits = limits
        self._idle_seconds = idle_seconds
        self._fd: int | None = None
        self._idle: asyncio.Task[None] | None = None
        self.child: DecoderProcess | None = None

    async def fill(self, chunks: AsyncIterator[bytes], max_bytes: int) -> None:
        """Write the image to the file; it is never held completely in this process's memory."""
        self._cancel_idle_timer()
        size = 0
        async for chunk in chunks:
            if size + len(chunk) > max_bytes:
                raise ImageRejected(InspectionCode.IMAGE_BYTES_EXCEEDED(maximum=max_bytes / 2**20))
            try:
                self._write(chunk, size)
            except OSError as error:
                raise InspectorUnavailable(InspectionCode.NO_MEMORY()) from error
            size += len(chunk)

    def _write(self, chunk: bytes, offset: int) -> None:
        if self._fd is None:
            self._fd = _anonymous_file()
        rest = memoryview(chunk)
        while rest:
            written = os.pwrite(self._fd, rest, offset)
            offset += written
            rest = rest[written:]

    async def running_child(self) -> DecoderProcess:
        """Return the running child, or start one."""
        if self.child is not None and not self.child.alive:
            await self.stop()
        if self.child is None:
            try:
                if self._fd is None:
                    self._fd = _anonymous_file()
                self.child = await DecoderProcess.start(self._fd, self._limits)
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


def _inspection(reply: Reply) -> Inspection:
    if reply.status == "rejected":
        raise ImageRejected(_reason(reply))
    if reply.status == "no_memory":
        raise InspectorUnavailable(InspectionCode.NO_MEMORY())
    try:
        return Inspection(
            mime_type=MediaType[reply.header["format"]],
            width=int(reply.header["width"]),
            height=int(reply.header["height"]),
            thumbnail=reply.body,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DecoderDied from error


def _reason(reply: Reply) -> Message:
    try:
        return InspectionCode[str(reply.header["reason"])](**reply.header["args"])
    except (KeyError, TypeError) as error:
        raise DecoderDied from error


def _anonymous_file() -> int:
    """Return the descriptor of an unnamed file, in memory if the system supports it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
