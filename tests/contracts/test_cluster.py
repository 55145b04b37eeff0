"""Which processes are alive, and what only one of them may do at a time."""

import asyncio

import pytest

from tests.contracts.samples import pass_beating

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 30


async def give_way():
    """Let those who wait try to get what is held."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nobody_is_alive_before_joining(cluster):
    """Its tasks are those of an earlier process."""
    assert frozenset() == await cluster.alive("a")


async def test_who_has_joined_is_alive(cluster):
    """To itself and to others, however often it has joined."""
    await cluster.beat("a")
    await cluster.beat("b")
    await cluster.beat("b")

    assert [{"a", "b"}, {"a", "b"}] == [await cluster.alive("a"), await cluster.alive("b")]


async def test_who_has_left_is_gone_at_once(cluster):
    """Its tasks need not wait until it has been silent for long; leaving twice is no error."""
    await cluster.beat("a")
    await cluster.beat("b")
    await cluster.leave("b")
    await cluster.leave("b")

    assert {"a"} == await cluster.alive("a")


async def test_who_has_left_can_join_again(cluster):
    """As a process that stopped its workers for a while."""
    await cluster.beat("a")
    await cluster.leave("a")
    await cluster.beat("a")

    assert {"a"} == await cluster.alive("a")


async def test_a_beat_of_a_missing_node_joins_it(cluster):
    """One that was thought dead and forgotten is alive again."""
    await cluster.beat("a")
    await cluster.beat("b")

    assert {"a", "b"} == await cluster.alive("a")


async def test_who_beats_stays_alive(cluster, pass_time):
    """For as long as it does."""
    await cluster.beat("a")
    await cluster.beat("b")
    await pass_beating(cluster, pass_time, "a", "b", rounds=12)

    assert {"a", "b"} == await cluster.alive("a")


async def test_who_is_silent_is_dead(cluster, pass_time):
    """To a node that could have heard it all the time, until it beats again."""
    await cluster.beat("a")
    await cluster.beat("b")
    await pass_beating(cluster, pass_time, "a")
    silent = await cluster.alive("a")
    await cluster.beat("b")

    assert [{"a"}, {"a", "b"}] == [silent, await cluster.alive("a")]


async def test_who_has_just_joined_calls_nobody_dead(cluster, pass_time):
    """It may have come after an outage, before the others could be heard again; later it can tell."""
    await cluster.beat("b")
    await pass_time(5)
    await cluster.beat("a")
    joined = await cluster.alive("a")
    await pass_beating(cluster, pass_time, "a")

    assert [{"a", "b"}, {"a"}] == [joined, await cluster.alive("a")]


async def test_whose_own_beats_had_a_gap_calls_nobody_dead(cluster, pass_time):
    """After an outage that all shared, everybody would be dead otherwise; later it can tell again."""
    await cluster.beat("a")
    await cluster.beat("b")
    await pass_beating(cluster, pass_time, "a", "b")
    await pass_time(5)
    before_its_beat = await cluster.alive("a")
    await cluster.beat("a")
    after_its_beat = await cluster.alive("a")
    await pass_beating(cluster, pass_time, "a")

    assert [{"a", "b"}, {"a", "b"}, {"a"}] == [before_its_beat, after_its_beat, await cluster.alive("a")]


async def test_who_left_is_gone_for_those_who_cannot_tell(cluster, pass_time):
    """Leaving is no silence."""
    await cluster.beat("a")
    await cluster.beat("b")
    await pass_time(5)
    await cluster.leave("b")
    await cluster.beat("a")

    assert {"a"} == await cluster.alive("a")


@pytest.fixture
async def joined(cluster):
    """Let a, b and c be alive."""
    for node in "abc":
        await cluster.beat(node)


@pytest.mark.usefixtures("joined")
async def test_a_node_gets_all_places_that_nobody_else_has(cluster):
    """As many as it may ask for."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        cluster.slot("p", node="a", limit=3),
        cluster.slot("p", node="a", limit=3),
        cluster.slot("p", node="a", limit=3),
    ):
        pass


@pytest.mark.usefixtures("joined")
async def test_a_call_that_fails_frees_its_place(cluster):
    """For the next one, whoever makes it."""
    with pytest.raises(ZeroDivisionError):
        async with cluster.slot("p", node="a", limit=1):
            raise ZeroDivisionError

    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("p", node="b", limit=1):
        pass


@pytest.mark.usefixtures("joined")
async def test_nodes_share_the_places(cluster, peers):
    """Together they never have more than the provider takes, and all get their turn."""
    running, most, finished = 0, 0, []
    two_are_running = asyncio.Event()

    async def call(node, own):
        nonlocal running, most
        async with own, cluster.slot("p", node=node, limit=2):
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
async def test_each_provider_has_its_own(cluster):
    """A busy one delays no other."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        cluster.slot("p", node="a", limit=1),
        cluster.slot("q", node="b", limit=1),
    ):
        pass


@pytest.mark.usefixtures("joined")
async def test_the_limit_is_that_of_the_call(cluster, peers):
    """One that was raised counts from the next call on."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        cluster.slot("p", node="a", limit=1),
        cluster.slot("p", node="b", limit=2),
    ):
        pass


@pytest.mark.usefixtures("joined")
async def test_who_stops_waiting_takes_no_place(cluster, peers):
    """As a task that is stopped."""

    async def wait():
        async with cluster.slot("p", node="b", limit=1):
            raise AssertionError

    async with cluster.slot("p", node="a", limit=1):
        waiting = asyncio.create_task(wait())
        await give_way()
        waiting.cancel()
        await asyncio.wait({waiting})

    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("p", node="c", limit=1):
        assert waiting.cancelled()


@pytest.mark.usefixtures("joined")
async def test_the_places_of_a_dead_node_are_free(cluster, peers):
    """Nobody will end its calls."""
    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("p", node="a", limit=1):
        await peers.leave("a")
        async with cluster.slot("p", node="b", limit=1):
            pass


@pytest.mark.usefixtures("joined")
async def test_passes_never_overlap(cluster):
    """Neither those of several nodes nor those of one."""
    running, most, finished = 0, 0, []

    async def run(node):
        nonlocal running, most
        async with cluster.slot("upkeep", node=node, limit=1):
            running += 1
            most = max(most, running)
            await give_way()
            running -= 1
        finished.append(node)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(run(node) for node in "aabbcc"))

    assert (1, list("aabbcc")) == (most, sorted(finished))


@pytest.mark.usefixtures("joined")
async def test_a_pass_that_fails_frees_the_turn(cluster):
    """For the next one, whoever it is."""
    with pytest.raises(ZeroDivisionError):
        async with cluster.slot("upkeep", node="a", limit=1):
            raise ZeroDivisionError

    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("upkeep", node="b", limit=1):
        pass


@pytest.mark.usefixtures("joined")
async def test_who_stops_waiting_blocks_nobody(cluster):
    """As a caller that disconnects from a manual pass."""

    async def wait():
        async with cluster.slot("upkeep", node="b", limit=1):
            raise AssertionError

    async with cluster.slot("upkeep", node="a", limit=1):
        waiting = asyncio.create_task(wait())
        await give_way()
        waiting.cancel()
        await asyncio.wait({waiting})

    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("upkeep", node="c", limit=1):
        assert waiting.cancelled()


@pytest.mark.usefixtures("joined")
async def test_a_dead_node_loses_the_turn(cluster, peers):
    """The others need not wait for a body that will never end."""
    async with asyncio.timeout(PATIENCE_SECONDS), cluster.slot("upkeep", node="a", limit=1):
        await peers.leave("a")
        async with cluster.slot("upkeep", node="b", limit=1):
            pass


@pytest.mark.usefixtures("joined")
async def test_who_lost_the_turn_takes_it_from_nobody(cluster, peers):
    """The end of a body that went on is not that of its successor."""
    events = []

    async def follow():
        async with cluster.slot("upkeep", node="c", limit=1):
            events.append("c began")

    lost, successor = cluster.slot("upkeep", node="a", limit=1), cluster.slot("upkeep", node="b", limit=1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await lost.__aenter__()
        await peers.leave("a")
        await successor.__aenter__()
        await lost.__aexit__(None, None, None)
        following = asyncio.create_task(follow())
        await give_way()
        events.append("b ended")
        await successor.__aexit__(None, None, None)
        await following

    assert ["b ended", "c began"] == events


async def test_a_hint_is_heard(cluster):
    """By whoever hears its topic, at whichever node, and by nobody else."""
    heard, others, hint = [], [], asyncio.Event()
    cluster.hear("topic", lambda key: (heard.append(key), hint.set() if key else None))
    cluster.hear("other", others.append)
    cluster.tell("topic", "a key")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await hint.wait()

    assert ("a key", []) == (heard[-1], [key for key in others if key])
