"""The process: its allocator and garbage collector, and the service manager that started it."""

import asyncio
import contextlib
import ctypes
import gc
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog

_M_ARENA_MAX = -8  # [glibc, malloc.h]
_MAX_ARENAS = 2
_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD_BYTES = 576 * 1024

_THRESHOLDS = (5000, 10, 100)  # with Python's 700, every third of many tasks starts a collection
_STATM = Path("/proc/self/statm")
_MIN_GROWTH_BYTES = 64 * 1024 * 1024


def limit_malloc_arenas() -> None:
    """Let threads reuse each other's freed memory; call it before any thread is started.

    glibc has up to eight arenas for each core, each as large as its peak. With two, 32 responses of 15 MB at
    once peak some 60 MB lower. The fixed threshold lets large blocks grow without being copied and returns
    them at once: glibc would raise it to as much as 32 MiB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _MAX_ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def freeze_startup_objects() -> None:
    """Exempt startup objects from garbage collection, 280 ms a run on a busy machine; collect less often."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


@contextlib.asynccontextmanager
async def trimming_memory(poll_seconds: float = 5.0) -> AsyncIterator[None]:
    """Return free pages to the system now, and soon after each burst.

    glibc keeps a burst's pages for the next one: 250 MB after five hundred bodies of a megabyte.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)  # what the start has freed; takes less than a millisecond
    baseline = resident_bytes()
    if trim is None or baseline is None:
        yield
        return
    async with running(_trim_on_growth(trim, poll_seconds, baseline)):
        yield


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _trim_on_growth(trim: "ctypes._NamedFuncPointer", poll_seconds: float, baseline: int) -> None:
    """Trim while the process is well above its smallest size, ever more seldom: each takes 10 to 50 ms."""
    pause = poll_seconds
    while True:
        await asyncio.sleep(pause)
        now = resident_bytes() or baseline
        baseline, has_grown = min(baseline, now), now > baseline + _MIN_GROWTH_BYTES
        pause = min(2 * pause, 12 * poll_seconds) if has_grown else poll_seconds
        if has_grown:
            await asyncio.to_thread(trim, 0)


def resident_bytes() -> int | None:
    """Return the resident size of this process; None if the system does not report it."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


_BEATS_PER_WATCHDOG_PERIOD = 3
_MICROSECONDS = 1_000_000
_log = structlog.get_logger("imagegen.service_manager")


class ServiceManager:
    """Notifies the service manager that started this process, if any (``sd_notify(3)``)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET")
        self._watchdog_seconds: float | None = None
        if environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            with contextlib.suppress(KeyError, ValueError):
                self._watchdog_seconds = int(environ["WATCHDOG_USEC"]) / _MICROSECONDS

    def ready(self, url: str) -> None:
        self._send("READY=1", f"STATUS=listening at {url}")

    def stopping(self, running: int) -> None:
        self._send("STOPPING=1", f"STATUS=stopping; {running} running")

    async def notify_watchdog(self) -> None:
        """Send keep-alive notifications; if the event loop hangs, the manager restarts the service."""
        while self._watchdog_seconds:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_seconds / _BEATS_PER_WATCHDOG_PERIOD)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A leading @ is an address without a file.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, address)
        except OSError as error:
            _log.warning("the service manager cannot be notified", reason=error.strerror)
