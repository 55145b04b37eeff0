"""Equal reads at the same moment share one, which begins after they were asked for."""

import asyncio

import pytest

from imagegen_http.service import SharedReads

pytestmark = pytest.mark.anyio


class Reads:
    """Reads that return, when they are let go on, what was written when they began."""

    def __init__(self):
        self.shared = SharedReads()
        self.written = 0
        self.begun = []
        self._go_on = []

    def ask(self, key):
        return asyncio.create_task(self.shared.run(key, lambda: self._read(key)))

    async def _read(self, key):
        snapshot, end = self.written, asyncio.get_running_loop().create_future()
        self.begun.append(key)
        self._go_on.append(end)
        error = await end
        if error is not None:
            raise error
        return snapshot

    async def end(self, error=None):
        """Let the oldest read end, and everything run that can run."""
        self._go_on.pop(0).set_result(error)
        await settle()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def reads():
    return Reads()


async def test_those_who_ask_while_one_runs_share_the_next(reads):
    """It began after what was written before they asked."""
    first = reads.ask("page 1")
    await settle()
    reads.written = 1
    later = [reads.ask("page 1") for _ in range(9)]
    await settle()
    await reads.end()
    await reads.end()

    assert 0 == await first
    assert [1] * 9 == await asyncio.gather(*later)
    assert ["page 1"] * 2 == reads.begun


async def test_other_reads_do_not_wait(reads):
    results = [reads.ask("page 1"), reads.ask("page 2")]
    await settle()
    begun = list(reads.begun)
    await reads.end()
    await reads.end()
    await asyncio.gather(*results)

    assert ["page 1", "page 2"] == begun


async def test_a_failure_is_that_of_all_who_shared_the_read_or_waited_for_it(reads):
    """So what takes too long is not begun again for them; who asks later is not affected."""
    results = [reads.ask("page 1") for _ in range(2)]
    await settle()
    results.append(reads.ask("page 1"))
    await settle()
    await reads.end(KeyError("gone"))
    later = reads.ask("page 1")
    await settle()
    await reads.end()

    failures = await asyncio.gather(*results, return_exceptions=True)
    assert [KeyError] * 3 == list(map(type, failures))
    assert 0 == await later
    assert ["page 1"] * 2 == reads.begun


async def test_the_others_get_their_result_although_one_was_cancelled(reads):
    results = [reads.ask("page 1") for _ in range(2)]
    await settle()
    results[0].cancel()
    await settle()
    await reads.end()

    assert 0 == await results[1]
    assert results[0].cancelled()


async def test_nothing_is_kept_of_a_read_that_has_ended(reads):
    for number in range(2):
        reads.written = number
        results = reads.ask("page 1")
        await settle()
        await reads.end()

        assert number == await results
