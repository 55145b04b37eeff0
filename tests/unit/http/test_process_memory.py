"""What a burst took is given back, and what the start made is not looked through again."""

import asyncio
import gc
import sys

import pytest

from imagegen_http.process_memory import (
    giving_memory_back,
    resident_bytes,
    spare_the_start_from_collections,
)
from tests.chaos.service import wait_until

MIB = 1024 * 1024


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has to be asked")
async def test_memory_of_a_burst_is_given_back():
    """Although one block of it in a hundred is still in use, so that the heap cannot shrink."""
    async with giving_memory_back(look_seconds=0.01):
        pieces = [b"x" * 32 * 1024 for _ in range(6_000)]
        full = resident_bytes()
        kept = pieces[::100]
        del pieces

        await asyncio.to_thread(wait_until, lambda: resident_bytes() < full - 100 * MIB, what="free memory")

    assert 60 == len(kept)


def test_the_start_is_spared():
    """The collector's generations are empty afterwards."""
    try:
        spare_the_start_from_collections()

        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()
