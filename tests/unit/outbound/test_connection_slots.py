"""Which idle connections are used again, and which are closed to make room for a new one."""

import attrs
import pytest

from imagegen_adapters.outbound.connection_slots import ConnectionSlots, PoolLimits

pytestmark = pytest.mark.anyio

HERE, ELSEWHERE = "http://here", "http://elsewhere"


@attrs.define(eq=False)
class Connection:
    """A connection without a socket; ``meanwhile`` is what happens elsewhere while it is being closed."""

    expired: bool = False
    closed: bool = False
    meanwhile: object = None

    def is_idle(self):
        return not self.closed

    def has_expired(self):
        return self.expired

    async def aclose(self):
        self.closed = True
        if self.meanwhile is not None:
            await self.meanwhile()


async def slots_with(*idle, connections, idle_per_host=10):
    """Return slots with idle connections, each a route and a connection, the oldest first."""
    slots = ConnectionSlots(PoolLimits(connections=connections, idle_per_host=idle_per_host))
    for _, connection in idle:
        await slots.begin(None, lambda connection=connection: connection)
    for route, connection in idle:
        await slots.end(connection, route)
    return slots


async def call_on(slots, route):
    """Begin a call, and return its connection."""
    await slots.acquire(None)
    return await slots.begin(route, Connection)


async def test_a_connection_that_was_taken_meanwhile_is_not_closed():
    """While the first is being closed, a call begins on the second: it keeps its connection."""
    reused, later_calls = Connection(), []

    async def take():
        later_calls.append(await call_on(slots, ELSEWHERE))

    first = Connection(meanwhile=take)
    slots = await slots_with((HERE, first), (ELSEWHERE, reused), connections=2)

    await call_on(slots, None)

    assert ([reused], True, False) == (later_calls, first.closed, reused.closed)
    await slots.aclose()


async def test_no_more_are_closed_than_room_is_needed_for():
    """With one connection too many, the oldest one is closed."""
    idle = [Connection() for _ in range(3)]
    slots = await slots_with(*((ELSEWHERE, connection) for connection in idle), connections=3)

    await call_on(slots, HERE)

    assert [True, False, False] == [connection.closed for connection in idle]
    await slots.aclose()


async def test_those_in_use_stay():
    """When none is idle, nothing is closed."""
    slots = await slots_with(connections=2)

    calls = [await call_on(slots, HERE), await call_on(slots, HERE)]

    assert [False, False] == [connection.closed for connection in calls]
    await slots.aclose()


async def test_a_call_gets_the_latest_connection_of_its_route_that_works():
    """One that its server has closed is closed here as well."""
    older, working, broken = Connection(), Connection(), Connection(expired=True)
    other = Connection()
    slots = await slots_with(
        (HERE, older), (HERE, working), (HERE, broken), (ELSEWHERE, other), connections=5
    )

    connection = await call_on(slots, HERE)

    assert (working, True) == (connection, broken.closed)
    assert [False, False] == [older.closed, other.closed]
    await slots.aclose()


async def test_a_call_without_a_route_leaves_no_connection_behind():
    """It is closed as soon as the call ends."""
    slots = await slots_with(connections=5)
    connection = await call_on(slots, None)

    await slots.end(connection, None)

    assert connection.closed


async def test_closing_ends_the_calls_too():
    """The service stops."""
    idle = Connection()
    slots = await slots_with((HERE, idle), connections=5)
    used = await call_on(slots, ELSEWHERE)

    await slots.aclose()

    assert [True, True] == [idle.closed, used.closed]
