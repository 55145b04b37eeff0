"""What a burst took is given back, and what the start made is not looked through again."""

import gc
import subprocess
import sys

import pytest

from imagegen_http.process_memory import spare_the_start_from_collections

BURST = """
import asyncio
from imagegen_http.process_memory import giving_memory_back, resident_bytes

async def burst():
    async with asyncio.timeout(60), giving_memory_back(look_seconds=0.01):
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
def test_memory_of_a_burst_is_given_back():
    """Although one block of it in a hundred is still in use, so that the heap cannot shrink."""
    command = [sys.executable, "-c", BURST]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)

    assert ("given back beside 60\n", "") == (done.stdout, done.stderr)


def test_the_start_is_spared():
    """The collector's generations are empty afterwards."""
    thresholds = gc.get_threshold()
    try:
        spare_the_start_from_collections()

        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
