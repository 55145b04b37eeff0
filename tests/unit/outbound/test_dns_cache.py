"""A check in advance resolves a name once for all callers within some seconds."""

import asyncio
from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, NameNotResolved, OutboundGuard
from imagegen_core.errors import UpstreamNotAllowed

pytestmark = pytest.mark.anyio


class NameServer:
    """Answers with a public address; names ending in ``.inside`` are private, and ``.invalid`` unknown."""

    def __init__(self):
        self.questions = []

    def __call__(self, host, port):
        self.questions.append(host)
        if host.endswith(".invalid"):
            raise NameNotResolved(host)
        return (ip_address("10.0.0.1" if host.endswith(".inside") else "93.184.216.34"),)

    def guard(self, *, seconds):
        return OutboundGuard(
            AddressGate(), seconds=60, cache_seconds=seconds, lookups=NameLookups(4, query=self)
        )


@pytest.fixture
def server():
    return NameServer()


async def test_a_hundred_callers_ask_one_question(server):
    """All get its result."""
    guard = server.guard(seconds=60)
    checks = (guard.check("https://vendor.inside/v1") for _ in range(100))
    results = await asyncio.gather(*checks, return_exceptions=True)

    assert ["vendor.inside"] == server.questions
    assert {UpstreamNotAllowed} == set(map(type, results))


async def test_an_answer_is_not_kept_for_long(server):
    """A name may resolve differently the next time; other names have entries of their own."""
    guard = server.guard(seconds=0)
    names = ["vendor.example", "vendor.example", "other.example"]
    for name in names:
        await guard.check(f"https://{name}/v1")

    assert names == server.questions


async def test_what_does_not_resolve_is_remembered_too(server):
    """So that not every caller queries a name server that is down."""
    guard = server.guard(seconds=60)
    for _ in range(2):
        await guard.check("https://vendor.invalid/v1")

    assert 1 == len(server.questions)


async def test_who_stops_waiting_takes_the_answer_from_nobody(server):
    """The first caller may be cancelled."""
    guard = server.guard(seconds=60)
    first = asyncio.create_task(guard.check("https://vendor.inside/v1"))
    await asyncio.sleep(0)
    first.cancel()

    with pytest.raises(UpstreamNotAllowed):
        await guard.check("https://vendor.inside/v1")
    assert 1 == len(server.questions)


async def test_only_some_names_are_remembered(server):
    """However many there are."""
    guard = server.guard(seconds=60)
    for number in range(300):
        await guard.check(f"https://vendor-{number % 257}.example/v1")

    assert 257 + 43 == len(server.questions)
