"""The memory of a burst is returned, and objects of the startup are not collected."""

import gc
import subprocess
import sys

import pytest

from imagegen_http.server.process import freeze_startup_objects

BURST = """
import asyncio
from imagegen_http.server.process import trimming_memory, resident_bytes

async def burst():
    async with asyncio.timeout(60), trimming_memory(poll_seconds=0.01):
        pieces = [b"x" * 32 * 1024 for _ in range(6_000)]
        full = resident_bytes()
        await asyncio.sleep({held})  # a trim frees nothing meanwhile
        kept = pieces[::100]
        del pieces
        while resident_bytes() > full - 100 * 1024 * 1024:
            await asyncio.sleep(0.01)
    print("given back beside", len(kept))

asyncio.run(burst())
"""

START = """
import asyncio
from imagegen_http.server.process import trimming_memory, resident_bytes

async def start():
    pieces = [b"x" * 32 * 1024 for _ in range(600)]
    kept = pieces[::100]
    del pieces
    full = resident_bytes()
    async with trimming_memory():
        print("given back", resident_bytes() < full - 10 * 1024 * 1024, "beside", len(kept))

asyncio.run(start())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has to be asked")
@pytest.mark.parametrize(
    ("program", "output"),
    [
        (BURST.format(held=0), "given back beside 60\n"),
        (BURST.format(held=0.2), "given back beside 60\n"),
        (START, "given back True beside 6\n"),
    ],
    ids=["burst", "long-burst", "start"],
)
def test_free_memory_is_returned(program, output):
    """That of the start, and that of a burst, although a hundredth in use keeps the heap from shrinking."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)

    assert (output, "") == (done.stdout, done.stderr)


def test_startup_objects_are_frozen():
    """The generations are empty afterwards, and stay so: else each run would look through all tests."""
    thresholds = gc.get_threshold()
    try:
        freeze_startup_objects()

        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.set_threshold(*thresholds)
