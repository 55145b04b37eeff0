"""Which connections are closed to make room for a new one."""

import attrs
import pytest

from imagegen_adapters.outbound.connection_slots import ConnectionSlots, PoolLimits

pytestmark = pytest.mark.anyio


@attrs.define(eq=False)
class Connection:
    """A connection without a socket; ``meanwhile`` is what happens elsewhere while it is being closed."""

    idle: bool = True
    closed: bool = False
    meanwhile: object = None

    def is_idle(self):
        return self.idle

    def is_closed(self):
        return self.closed

    async def aclose(self):
        self.idle, self.closed = False, True
        if self.meanwhile is not None:
            self.meanwhile.idle = False


@attrs.define
class Pool:
    connections: list


def slots_over(*pools, connections):
    slots = ConnectionSlots(PoolLimits(connections=connections))
    slots.pools += pools
    return slots


async def test_a_connection_that_was_taken_meanwhile_is_not_closed():
    """While the first is being closed, a call begins on the second: the third is closed instead."""
    reused, free = Connection(), Connection()
    first = Connection(meanwhile=reused)
    mine = Pool([])
    slots = slots_over(mine, Pool([first, reused, free]), connections=2)

    await slots.make_room(mine)

    assert [True, False, True] == [first.closed, reused.closed, free.closed]


async def test_no_more_are_closed_than_room_is_needed_for():
    """With one connection too many, one is closed, although the pool still lists it for a while."""
    idle = [Connection() for _ in range(3)]
    mine = Pool([Connection(idle=False)])
    slots = slots_over(mine, Pool(idle), connections=4)

    await slots.make_room(mine)

    assert [True, False, False] == [connection.closed for connection in idle]


async def test_ones_own_connections_and_those_in_use_stay():
    """Only idle connections of other pools make room; when there are none, nothing is closed."""
    mine, busy = Connection(), Connection(idle=False)
    own = Pool([mine])
    slots = slots_over(own, Pool([busy]), connections=1)

    await slots.make_room(own)

    assert [False, False] == [mine.closed, busy.closed]
