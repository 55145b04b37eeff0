"""Names are resolved in dedicated threads, and a name that hangs occupies one."""

import asyncio
import threading
from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, OutboundGuard

pytestmark = pytest.mark.anyio

ADDRESS = (ip_address("93.184.216.34"),)


class NameServer:
    """Answers for some names; queries for all others wait until it is closed."""

    def __init__(self):
        self.questions = []
        self.queried, self.closed = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, host, port):
        self.questions.append(host)
        self._loop.call_soon_threadsafe(self.queried.set)
        if host.endswith(".dead"):
            self.closed.wait()
        return ADDRESS


@pytest.fixture
async def server():
    server = NameServer()
    yield server
    server.closed.set()


async def test_who_asks_for_a_name_that_is_looked_up_joins(server):
    """However many callers ask for a name that hangs, it occupies one thread."""
    lookups = NameLookups(2, query=server)
    waiting = [asyncio.create_task(lookups.resolve("vendor.dead", 443)) for _ in range(50)]
    await server.queried.wait()

    assert ADDRESS == await lookups.resolve("vendor.example", 443)
    server.closed.set()
    assert {ADDRESS} == set(await asyncio.gather(*waiting))
    assert ["vendor.dead", "vendor.example"] == server.questions


async def test_a_lookup_that_was_given_up_counts_until_it_ends(server):
    """So that no caller can exceed the limit of threads."""
    lookups = NameLookups(1, query=server)
    first = asyncio.create_task(lookups.resolve("vendor.dead", 443))
    await server.queried.wait()
    first.cancel()
    second = asyncio.create_task(lookups.resolve("vendor.example", 443))
    await asyncio.sleep(0)

    assert ["vendor.dead"] == server.questions
    server.closed.set()
    assert ADDRESS == await second


async def test_who_gives_up_before_the_turn_leaves_no_question(server):
    """A flood of names that hang ends when its callers leave."""
    lookups = NameLookups(1, query=server)
    tasks = [asyncio.create_task(lookups.resolve(f"{number}.dead", 443)) for number in range(100)]
    await server.queried.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    server.closed.set()

    assert ADDRESS == await lookups.resolve("vendor.example", 443)
    assert ["0.dead", "vendor.example"] == server.questions


async def test_numbers_need_no_turn(server):
    """A literal address in any spelling needs no look-up."""
    lookups = NameLookups(1, query=server)
    waiting = asyncio.create_task(lookups.resolve("vendor.dead", 443))
    await server.queried.wait()

    assert (ip_address("127.0.0.1"),) == await lookups.resolve("2130706433", 443)
    waiting.cancel()


async def test_a_dead_name_may_be_saved(server):
    """A check in advance does not wait for it; connecting checks it."""
    guard = OutboundGuard(AddressGate(), seconds=0.01, lookups=NameLookups(1, query=server))

    await guard.check("https://vendor.dead/v1")
    await guard.check("https://vendor.example/v1")

    assert ["vendor.dead"] == server.questions
