"""The calls of several nodes to a provider, each of which has its own order of them."""

import asyncio

import pytest

from imagegen_core.running.slots import ProviderSlots, SlotsClosed
from tests.contracts.clock import ManualClock
from tests.contracts.memory import MemoryCluster

pytestmark = pytest.mark.anyio


@pytest.fixture
async def two_nodes():
    """Return the slots of two nodes that share their places."""
    cluster = MemoryCluster(ManualClock())
    for node in ("here", "there"):
        await cluster.beat(node)
    return [ProviderSlots(default_limit=1, cluster=cluster, node=node) for node in ("here", "there")]


class Call:
    """A call that ends when it is told to."""

    def __init__(self, slots, limit):
        self.begun, self.end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._call(slots, limit))

    async def _call(self, slots, limit):
        with slots.ticket("p") as ticket:
            async with ticket.call(limit):
                self.begun.set()
                await self.end.wait()

    async def outcome(self):
        """Return how the call came out."""
        async with asyncio.timeout(60):
            (result,) = await asyncio.gather(self.task, return_exceptions=True)
        return type(result)


async def give_way():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_call_waits_for_that_of_another_node(two_nodes):
    """The provider's limit is one for all."""
    one, other = two_nodes
    first = Call(one, 1)
    await first.begun.wait()
    second = Call(other, 1)
    await give_way()
    meanwhile = second.begun.is_set()
    first.end.set()
    second.end.set()

    assert (False, type(None), type(None)) == (meanwhile, await first.outcome(), await second.outcome())


async def test_without_a_limit_nodes_take_no_heed_of_each_other(two_nodes):
    """Each has its own bound."""
    calls = [Call(slots, None) for slots in two_nodes]
    async with asyncio.timeout(60):
        for call in calls:
            await call.begun.wait()
            call.end.set()

    assert [type(None), type(None)] == [await call.outcome() for call in calls]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_who_waits_for_a_place_begins_nothing_after_a_stop(two_nodes, *, cancelled):
    """Neither when the grace time ends, nor when the place is free before; and the slot is free again."""
    one, other = two_nodes
    first = Call(one, 1)
    await first.begun.wait()
    second = Call(other, 1)
    await give_way()
    other.close()
    if cancelled:
        second.task.cancel()
    first.end.set()
    expected = asyncio.CancelledError if cancelled else SlotsClosed

    assert (expected, False, {}) == (await second.outcome(), second.begun.is_set(), dict(other._in_flight))


async def test_who_calls_again_has_his_old_place(two_nodes):
    """A task whose calls have begun is in nobody's way, and comes before younger ones once it calls again."""
    slots = two_nodes[0]
    with slots.ticket("p") as oldest:
        async with oldest.call(None):
            younger = [Call(slots, None) for _ in range(2)]
            await give_way()
        async with asyncio.timeout(60):
            await younger[0].begun.wait()
        younger[0].end.set()
        async with asyncio.timeout(60), oldest.call(None):
            before = younger[1].begun.is_set()
    younger[1].end.set()

    assert (False, [type(None)] * 2) == (before, [await call.outcome() for call in younger])
