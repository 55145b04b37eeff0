"""One child process as its parent sees it: started, asked, killed."""

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

_START_SECONDS = 30.0
_END_SECONDS = 5.0
_MAX_HEADER_BYTES = 4096
_MAX_THUMBNAIL_BYTES = 2 * 1024 * 1024
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
"""Nothing else of the environment reaches the process that touches hostile bytes: there are keys in it."""

_MALLOC_VARIABLES = {
    # Big blocks go back to the system when they are freed, so that one large image leaves nothing behind.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
}


_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
"""What a decoder does to itself. Everything else comes from outside: SIGKILL is how memory is taken back."""


class DecoderDied(Exception):
    """The child ended or talks nonsense; ``signal_number`` is what ended it, None when nobody can tell."""

    def __init__(self, *, signal_number: int | None = None) -> None:
        super().__init__("the decoding process died")
        self.out_of_time = signal_number == signal.SIGXCPU
        self.crashed = signal_number in _CRASHES


@attrs.frozen(kw_only=True)
class DecoderLimits:
    """What the child gets as its arguments; ``large_pixels`` is where it asks before it goes on."""

    max_pixels: int
    large_pixels: int
    memory_bytes: int
    cpu_seconds: int


@attrs.frozen(kw_only=True)
class Reply:
    """One answer: its JSON header and, with status ``ok``, the thumbnail."""

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
        """Return a child that is ready.

        Raises:
            OSError: it could not be started.
            DecoderDied: it did not come up.
        """
        environment = {
            n: v for n, v in os.environ.items() if n in _INHERITED_VARIABLES or n.startswith("COVERAGE_")
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never the current directory's modules
            "-m",
            "imagegen_adapters.image_inspectors.child",
            *(str(n) for n in (fd, *attrs.astuple(limits))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_READ_LIMIT_BYTES,
            env={**environment, **_MALLOC_VARIABLES},
            pass_fds=(fd,),
            start_new_session=True,  # Ctrl-C is for the parent, which then ends this one
        )
        child = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await child._reply()
        except TimeoutError:
            await child.kill()
            raise DecoderDied from None
        except BaseException:
            await child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it had not ended when last seen."""
        return self._process.returncode is None

    async def ask(self) -> Reply:
        """Let it go on, and return what it answers.

        Raises:
            DecoderDied: it cannot answer any more.
        """
        writer = self._process.stdin
        if writer is not None:
            with contextlib.suppress(ConnectionError):  # the answer will be missing too, and tells why
                writer.write(b"go\n")
                await writer.drain()
        return await self._reply()

    async def kill(self) -> None:
        """End it at once; returns when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._wait_closed()

    async def retire(self) -> None:
        """Let it end by itself; returns when it is gone."""
        await self._wait_closed()

    async def _end(self) -> None:
        """Wait for the end of a child that hung up, since killing a dead one would hide what it died of."""
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
