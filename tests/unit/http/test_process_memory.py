"""The memory of a burst is returned, and objects of the startup are not collected."""

import gc
import subprocess
import sys

import pytest

from imagegen_http.server.process_memory import freeze_startup_objects

BURST = """
import asyncio
from imagegen_http.server.process_memory import trimming_memory, resident_bytes

async def burst():
    async with asyncio.timeout(60), trimming_memory(poll_seconds=0.01):
        pieces = [b"x" * 32 * 1024 for _ in range(6_000)]
        full = resident_bytes()
        kept = pieces[::100]
        del pieces
        while resident_bytes() > full - 100 * 1024 * 1024:
            await asyncio.sleep(0.01)
    print("given back beside", len(kept))

asyncio.run(burst())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has to be asked")
def test_memory_of_a_burst_is_returned():
    """Although one block of it in a hundred is still in use, so that the heap cannot shrink."""
    command = [sys.executable, "-c", BURST]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)

    assert ("given back beside 60\n", "") == (done.stdout, done.stderr)


def test_startup_objects_are_frozen():
    """The collector's generations are empty afterwards."""
    thresholds = gc.get_threshold()
    try:
        freeze_startup_objects()

        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
