"""The parent's handle of one child process: starts it, sends requests, kills it."""

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from typing import Any

import attrs

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


@attrs.frozen(kw_only=True)
class DecoderLimits:
    """The arguments of the child; above ``large_pixels`` it asks for permission before it decodes."""

    max_pixels: int
    large_pixels: int
    memory_bytes: int
    cpu_seconds: int


@attrs.frozen(kw_only=True)
class Reply:
    """One reply: its JSON header and, with status ``ok``, the thumbnail."""

    header: Mapping[str, Any]
    body: bytes = b""

    @property
    def status(self) -> str:
        """``ready``, ``large``, ``rejected``, ``no_memory`` or ``ok``."""
        return str(self.header.get("status"))


class DecoderProcess:
    """A running child that reads images from the file ``fd``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, fd: int, limits: DecoderLimits) -> "DecoderProcess":
        """Start a child and return it once it is ready.

        Raises:
            OSError: the process could not be started.
            DecoderDied: it ended before it was ready.
        """
        environment = {
            n: v for n, v in os.environ.items() if n in _INHERITED_VARIABLES or n.startswith("COVERAGE_")
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never import modules from the current directory
            "-m",
            "imagegen_adapters.image_inspectors.child",
            *(str(n) for n in (fd, *attrs.astuple(limits))),
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
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still running, as far as known."""
        return self._process.returncode is None

    async def ask(self) -> Reply:
        """Request the next step and return the reply.

        Raises:
            DecoderDied: the child can no longer reply.
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
        await self._wait_closed()

    async def retire(self) -> None:
        """Let the process end by itself and wait for its end."""
        await self._wait_closed()

    async def _end(self) -> None:
        """Wait for a child that closed its output to end, since killing it would hide the original signal."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def _wait_closed(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    async def _reply(self) -> Reply:
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
            return Reply(header=header, body=await reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self._end()
            raise DecoderDied(signal_number=-(self._process.returncode or 0)) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise DecoderDied from error
