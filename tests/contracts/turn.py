"""The contract of a turn, as tests to subclass.

A subclass provides the fixture ``turn``, and ``nodes`` if a holder can die while others live on::

    class TestMyTurn(TurnContract):
        @pytest.fixture
        def nodes(self, database):
            return MyNodes(database)

        @pytest.fixture
        def turn(self, database):
            return MyTurn(database)
"""

import asyncio

import pytest

from imagegen_core.ports.nodes import Nodes
from imagegen_core.ports.turn import Turn


async def give_way() -> None:
    """Let those who wait try to get the turn."""
    for _ in range(20):
        await asyncio.sleep(0)


class TurnContract:
    """One pass at a time."""

    @pytest.fixture
    def nodes(self) -> Nodes | None:
        """Return the nodes that the turn knows; None where all are one process, which dies as a whole."""
        return None

    @pytest.fixture
    def turn(self) -> Turn:
        """Return the turn under test, which nobody holds."""
        raise NotImplementedError

    @pytest.fixture
    async def joined(self, nodes: Nodes | None) -> None:
        """Let a, b and c be alive."""
        if nodes is not None:
            for node in "abc":
                await nodes.join(node)

    @pytest.mark.usefixtures("joined")
    async def test_passes_never_overlap(self, turn: Turn) -> None:
        """Neither those of several nodes nor those of one."""
        running, most, finished = 0, 0, []

        async def run(node: str) -> None:
            nonlocal running, most
            async with turn.hold(node):
                running += 1
                most = max(most, running)
                await give_way()
                running -= 1
            finished.append(node)

        async with asyncio.timeout(30):
            await asyncio.gather(*(run(node) for node in "aabbcc"))

        assert (1, list("aabbcc")) == (most, sorted(finished))

    @pytest.mark.usefixtures("joined")
    async def test_a_pass_that_fails_frees_the_turn(self, turn: Turn) -> None:
        """For the next one, whoever it is."""
        with pytest.raises(ZeroDivisionError):
            async with turn.hold("a"):
                raise ZeroDivisionError

        async with asyncio.timeout(30), turn.hold("b"):
            pass

    @pytest.mark.usefixtures("joined")
    async def test_who_stops_waiting_blocks_nobody(self, turn: Turn) -> None:
        """As a caller that disconnects from a manual pass."""

        async def wait() -> None:
            async with turn.hold("b"):
                raise AssertionError

        async with turn.hold("a"):
            waiting = asyncio.create_task(wait())
            await give_way()
            waiting.cancel()
            await asyncio.wait({waiting})

        async with asyncio.timeout(30), turn.hold("c"):
            assert waiting.cancelled()

    @pytest.mark.usefixtures("joined")
    async def test_a_dead_node_loses_the_turn(self, turn: Turn, nodes: Nodes | None) -> None:
        """The others need not wait for a body that will never end."""
        if nodes is None:
            return
        async with asyncio.timeout(30), turn.hold("a"):
            await nodes.leave("a")
            async with turn.hold("b"):
                pass

    @pytest.mark.usefixtures("joined")
    async def test_who_lost_the_turn_takes_it_from_nobody(self, turn: Turn, nodes: Nodes | None) -> None:
        """The end of a body that went on is not that of its successor."""
        if nodes is None:
            return
        events: list[str] = []

        async def follow() -> None:
            async with turn.hold("c"):
                events.append("c began")

        lost, successor = turn.hold("a"), turn.hold("b")
        async with asyncio.timeout(30):
            await lost.__aenter__()
            await nodes.leave("a")
            await successor.__aenter__()
            await lost.__aexit__(None, None, None)
            following = asyncio.create_task(follow())
            await give_way()
            events.append("b ended")
            await successor.__aexit__(None, None, None)
            await following

        assert ["b ended", "c began"] == events
