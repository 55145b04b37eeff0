"""The contract of slots, as tests to subclass.

A subclass provides the fixture ``slots``, and ``nodes`` if several can hold places::

    class TestMySlots(SlotsContract):
        @pytest.fixture
        def nodes(self, database):
            return MyNodes(database)

        @pytest.fixture
        def slots(self, database):
            return MySlots(database)
"""

import asyncio

import pytest

from imagegen_core.ports.nodes import Nodes
from imagegen_core.ports.slots import Slots

PATIENCE_SECONDS = 30


async def give_way() -> None:
    """Let those who wait try to get a place."""
    for _ in range(20):
        await asyncio.sleep(0)


class SlotsContract:
    """Places for calls in flight."""

    @pytest.fixture
    def nodes(self) -> Nodes | None:
        """Return the nodes that the slots know; None where there is one, which dies as a whole."""
        return None

    @pytest.fixture
    def slots(self) -> Slots:
        """Return the slots under test, none of which is held."""
        raise NotImplementedError

    @pytest.fixture
    async def joined(self, nodes: Nodes | None) -> None:
        """Let a, b and c be alive."""
        if nodes is not None:
            for node in "abc":
                await nodes.join(node)

    @pytest.mark.usefixtures("joined")
    async def test_a_node_gets_all_places_that_nobody_else_has(self, slots: Slots) -> None:
        """As many as it may ask for."""
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            slots.hold("p", node="a", limit=3),
            slots.hold("p", node="a", limit=3),
            slots.hold("p", node="a", limit=3),
        ):
            pass

    @pytest.mark.usefixtures("joined")
    async def test_a_call_that_fails_frees_its_place(self, slots: Slots) -> None:
        """For the next one, whoever makes it."""
        with pytest.raises(ZeroDivisionError):
            async with slots.hold("p", node="a", limit=1):
                raise ZeroDivisionError

        async with asyncio.timeout(PATIENCE_SECONDS), slots.hold("p", node="b", limit=1):
            pass

    @pytest.mark.usefixtures("joined")
    async def test_nodes_share_the_places(self, slots: Slots, nodes: Nodes | None) -> None:
        """Together they never have more than the provider takes, and all get their turn."""
        if nodes is None:
            return
        running, most, finished = 0, 0, []
        two_are_running = asyncio.Event()

        async def call(node: str, own: asyncio.Semaphore) -> None:
            nonlocal running, most
            async with own, slots.hold("p", node=node, limit=2):
                running += 1
                most = max(most, running)
                if most == 2:
                    two_are_running.set()
                await two_are_running.wait()
                await give_way()
                running -= 1
            finished.append(node)

        bounds = {node: asyncio.Semaphore(2) for node in "abc"}
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(call(node, bounds[node]) for node in "aaabbbccc"))

        assert (2, list("aaabbbccc")) == (most, sorted(finished))

    @pytest.mark.usefixtures("joined")
    async def test_each_provider_has_its_own(self, slots: Slots) -> None:
        """A busy one delays no other."""
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            slots.hold("p", node="a", limit=1),
            slots.hold("q", node="b", limit=1),
        ):
            pass

    @pytest.mark.usefixtures("joined")
    async def test_the_limit_is_that_of_the_call(self, slots: Slots, nodes: Nodes | None) -> None:
        """One that was raised counts from the next call on."""
        if nodes is None:
            return
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            slots.hold("p", node="a", limit=1),
            slots.hold("p", node="b", limit=2),
        ):
            pass

    @pytest.mark.usefixtures("joined")
    async def test_who_stops_waiting_takes_no_place(self, slots: Slots, nodes: Nodes | None) -> None:
        """As a task that is stopped."""
        if nodes is None:
            return

        async def wait() -> None:
            async with slots.hold("p", node="b", limit=1):
                raise AssertionError

        async with slots.hold("p", node="a", limit=1):
            waiting = asyncio.create_task(wait())
            await give_way()
            waiting.cancel()
            await asyncio.wait({waiting})

        async with asyncio.timeout(PATIENCE_SECONDS), slots.hold("p", node="c", limit=1):
            assert waiting.cancelled()

    @pytest.mark.usefixtures("joined")
    async def test_the_places_of_a_dead_node_are_free(self, slots: Slots, nodes: Nodes | None) -> None:
        """Nobody will end its calls."""
        if nodes is None:
            return
        async with asyncio.timeout(PATIENCE_SECONDS), slots.hold("p", node="a", limit=1):
            await nodes.leave("a")
            async with slots.hold("p", node="b", limit=1):
                pass
