"""The contract of nodes, as tests to subclass.

A subclass provides the fixture ``nodes``, none of which has joined, and ``pass_time`` if they can be silent::

    class TestMyNodes(NodesContract):
        @pytest.fixture
        def nodes(self, database):
            return MyNodes(database, dead_after_seconds=60)

        @pytest.fixture
        def pass_time(self, database):
            return lambda share: database.set_beats_back(60 * share)
"""

from collections.abc import Awaitable, Callable

import pytest

from imagegen_core.ports.nodes import Nodes

PassTime = Callable[[float], Awaitable[None]]


async def pass_beating(nodes: Nodes, pass_time: PassTime, *names: str, rounds: int = 4) -> None:
    """Let as much time pass as makes a silent node dead, ``names`` beating meanwhile."""
    for _ in range(rounds):
        await pass_time(0.3)
        for name in names:
            await nodes.beat(name)


class NodesContract:
    """Which processes are alive, as each of them can tell."""

    @pytest.fixture
    def nodes(self) -> Nodes:
        """Return the nodes under test; none has joined."""
        raise NotImplementedError

    @pytest.fixture
    def pass_time(self) -> PassTime | None:
        """Return a function that lets a share pass of the time after which a silent node is dead.

        None if a node is never silent, as where all of them are one process.
        """
        return None

    async def test_nobody_is_alive_before_joining(self, nodes: Nodes) -> None:
        """Its tasks are those of an earlier process."""
        assert frozenset() == await nodes.alive("a")

    async def test_who_has_joined_is_alive(self, nodes: Nodes) -> None:
        """To itself and to others, however often it has joined."""
        await nodes.join("a")
        await nodes.join("b")
        await nodes.join("b")

        assert [{"a", "b"}, {"a", "b"}] == [await nodes.alive("a"), await nodes.alive("b")]

    async def test_who_has_left_is_gone_at_once(self, nodes: Nodes) -> None:
        """Its tasks need not wait until it has been silent for long; leaving twice is no error."""
        await nodes.join("a")
        await nodes.join("b")
        await nodes.leave("b")
        await nodes.leave("b")

        assert {"a"} == await nodes.alive("a")

    async def test_who_has_left_can_join_again(self, nodes: Nodes) -> None:
        """As a process that stopped its workers for a while."""
        await nodes.join("a")
        await nodes.leave("a")
        await nodes.join("a")

        assert {"a"} == await nodes.alive("a")

    async def test_a_beat_of_a_missing_node_joins_it(self, nodes: Nodes) -> None:
        """One that was thought dead and forgotten is alive again."""
        await nodes.join("a")
        await nodes.beat("b")

        assert {"a", "b"} == await nodes.alive("a")

    async def test_who_beats_stays_alive(self, nodes: Nodes, pass_time: PassTime | None) -> None:
        """For as long as it does."""
        if pass_time is None:
            return
        await nodes.join("a")
        await nodes.join("b")
        await pass_beating(nodes, pass_time, "a", "b", rounds=12)

        assert {"a", "b"} == await nodes.alive("a")

    async def test_who_is_silent_is_dead(self, nodes: Nodes, pass_time: PassTime | None) -> None:
        """To a node that could have heard it all the time, until it beats again."""
        if pass_time is None:
            return
        await nodes.join("a")
        await nodes.join("b")
        await pass_beating(nodes, pass_time, "a")
        silent = await nodes.alive("a")
        await nodes.beat("b")

        assert [{"a"}, {"a", "b"}] == [silent, await nodes.alive("a")]

    async def test_who_has_just_joined_calls_nobody_dead(
        self, nodes: Nodes, pass_time: PassTime | None
    ) -> None:
        """It may have come after an outage, before the others could be heard again; later it can tell."""
        if pass_time is None:
            return
        await nodes.join("b")
        await pass_time(5)
        await nodes.join("a")
        joined = await nodes.alive("a")
        await pass_beating(nodes, pass_time, "a")

        assert [{"a", "b"}, {"a"}] == [joined, await nodes.alive("a")]

    async def test_whose_own_beats_had_a_gap_calls_nobody_dead(
        self, nodes: Nodes, pass_time: PassTime | None
    ) -> None:
        """After an outage that all shared, everybody would be dead otherwise; later it can tell again."""
        if pass_time is None:
            return
        await nodes.join("a")
        await nodes.join("b")
        await pass_beating(nodes, pass_time, "a", "b")
        await pass_time(5)
        before_its_beat = await nodes.alive("a")
        await nodes.beat("a")
        after_its_beat = await nodes.alive("a")
        await pass_beating(nodes, pass_time, "a")

        assert [{"a", "b"}, {"a", "b"}, {"a"}] == [before_its_beat, after_its_beat, await nodes.alive("a")]

    async def test_who_left_is_gone_for_those_who_cannot_tell(
        self, nodes: Nodes, pass_time: PassTime | None
    ) -> None:
        """Leaving is no silence."""
        if pass_time is None:
            return
        await nodes.join("a")
        await nodes.join("b")
        await pass_time(5)
        await nodes.leave("b")
        await nodes.beat("a")

        assert {"a"} == await nodes.alive("a")
