"""A name is resolved once for all callers within some seconds."""

import asyncio
from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.addresses import DnsCache, NameLookups, NameNotResolved

pytestmark = pytest.mark.anyio


class NameServer:
    """Answers each query with another address; names ending in ``.invalid`` do not resolve."""

    def __init__(self):
        self.questions = []

    def __call__(self, host, port):
        self.questions.append(host)
        if host.endswith(".invalid"):
            raise NameNotResolved(host)
        return (ip_address(f"192.0.{len(self.questions) // 250}.{len(self.questions) % 250}"),)

    def memory(self, *, seconds):
        return DnsCache(NameLookups(4, query=self), seconds=seconds, lookup_seconds=60)


@pytest.fixture
def server():
    return NameServer()


async def test_a_hundred_callers_ask_one_question(server):
    """All get its result."""
    names = server.memory(seconds=60)
    responses = await asyncio.gather(*(names.resolve("vendor.example", 443) for _ in range(100)))

    assert ["vendor.example"] == server.questions
    assert {(ip_address("192.0.0.1"),)} == set(responses)


async def test_an_answer_is_not_kept_for_long(server):
    """A name may resolve differently the next time; other names have entries of their own."""
    names = server.memory(seconds=0)
    responses = [
        await names.resolve(name, 443) for name in ("vendor.example", "vendor.example", "other.example")
    ]

    assert ["vendor.example", "vendor.example", "other.example"] == server.questions
    assert 3 == len(set(responses))


async def test_what_does_not_resolve_is_remembered_too(server):
    """So that not every caller queries a name server that is down."""
    names = server.memory(seconds=60)
    for _ in range(2):
        with pytest.raises(NameNotResolved):
            await names.resolve("vendor.invalid", 443)

    assert 1 == len(server.questions)


async def test_who_stops_waiting_takes_the_answer_from_nobody(server):
    """The first caller may be cancelled."""
    names = server.memory(seconds=60)
    first = asyncio.create_task(names.resolve("vendor.example", 443))
    await asyncio.sleep(0)
    first.cancel()

    assert (ip_address("192.0.0.1"),) == await names.resolve("vendor.example", 443)
    assert 1 == len(server.questions)


async def test_only_some_names_are_remembered(server):
    """However many there are."""
    names = server.memory(seconds=60)
    for number in range(300):
        await names.resolve(f"vendor-{number % 257}.example", 443)

    assert 257 + 43 == len(server.questions)
