"""How this process's memory is shared out among threads, looked through, and given back."""

import asyncio
import contextlib
import ctypes
import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path

_M_ARENA_MAX = -8  # [glibc, malloc.h]
_MAX_ARENAS = 2
_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD_BYTES = 576 * 1024

_GEN2_THRESHOLD = 100
_STATM = Path("/proc/self/statm")
_MIN_GROWTH_BYTES = 64 * 1024 * 1024


def limit_malloc_arenas() -> None:
    """Let what one thread gave back serve the others, too; to be called before there are any.

    glibc gives each thread an arena of its own, eight for each core, and each keeps what its fullest
    moment took. With two, 32 answers of 15 MB at once peak some 60 MB lower. Other C libraries have no such
    switch and do not need it.

    What is larger than the pieces that files are read in gets pages of its own: it grows without being
    copied, and they are given back at once. glibc raises that limit to 32 MiB as soon as something so large
    was freed, and a body that grows is then in memory twice.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _MAX_ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def freeze_startup_objects() -> None:
    """Have the garbage collector pass over what the start made, which lives as long as the process.

    It would look through all of it again whenever many requests come at once: 280 ms in which nothing else
    runs, on a busy machine. Nor does it look as often through what lives longer than a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], _GEN2_THRESHOLD)


@contextlib.asynccontextmanager
async def trimming_memory(poll_seconds: float = 5.0) -> AsyncIterator[None]:
    """Return free pages to the system soon after each burst, for as long as the body runs.

    glibc keeps the pages that a burst took, for the next one: 250 MB after five hundred bodies of a
    megabyte, of which the machine has no use. Other C libraries do it themselves.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    baseline = resident_bytes()
    if trim is None or baseline is None:
        yield
        return
    task = asyncio.create_task(_trim_on_growth(trim, poll_seconds, baseline), name="memory")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _trim_on_growth(trim: "ctypes._NamedFuncPointer", poll_seconds: float, baseline: int) -> None:
    """Trim whenever the process has grown a good deal since it was least; that takes 10 to 50 ms."""
    while True:
        await asyncio.sleep(poll_seconds)
        now = resident_bytes()
        if now is None:
            continue
        baseline = min(baseline, now)
        if now > baseline + _MIN_GROWTH_BYTES:
            await asyncio.to_thread(trim, 0)
            baseline = resident_bytes() or now


def resident_bytes() -> int | None:
    """Return how much of this process is in memory; None where, or as long as, nobody can tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
