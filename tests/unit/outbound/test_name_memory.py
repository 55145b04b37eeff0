"""A name is looked up once for all who ask within some seconds."""

import asyncio
from ipaddress import ip_address

import pytest

from imagegen_adapters.outbound.name_memory import NameMemory
from imagegen_adapters.outbound.resolving import NameNotResolved

pytestmark = pytest.mark.anyio


@pytest.fixture
async def asked(monkeypatch):
    """Return what the loop is asked for; names ending in ``.invalid`` are nowhere."""
    questions = []

    async def getaddrinfo(host, port, **_):
        questions.append(host)
        await asyncio.sleep(0)
        if host.endswith(".invalid"):
            raise OSError("unknown")
        return [(2, 1, 6, "", (f"192.0.{len(questions) // 250}.{len(questions) % 250}", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return questions


async def test_a_hundred_callers_ask_one_question(asked):
    """And all have its answer."""
    names = NameMemory(seconds=60)
    answers = await asyncio.gather(*(names.resolve("vendor.example", 443) for _ in range(100)))

    assert ["vendor.example"] == asked
    assert {(ip_address("192.0.0.1"),)} == set(answers)


async def test_an_answer_is_not_kept_for_long(asked):
    """A name may lead elsewhere the next time; other names were never this one."""
    names = NameMemory(seconds=0)
    answers = [
        await names.resolve(name, 443) for name in ("vendor.example", "vendor.example", "other.example")
    ]

    assert ["vendor.example", "vendor.example", "other.example"] == asked
    assert 3 == len(set(answers))


async def test_what_does_not_resolve_is_remembered_too(asked):
    """So that a name server that is down is not asked by each caller."""
    names = NameMemory(seconds=60)
    for _ in range(2):
        with pytest.raises(NameNotResolved):
            await names.resolve("vendor.invalid", 443)

    assert 1 == len(asked)


async def test_who_stops_waiting_takes_the_answer_from_nobody(asked):
    """The first caller may be cancelled."""
    names = NameMemory(seconds=60)
    first = asyncio.create_task(names.resolve("vendor.example", 443))
    await asyncio.sleep(0)
    first.cancel()

    assert (ip_address("192.0.0.1"),) == await names.resolve("vendor.example", 443)
    assert 1 == len(asked)


async def test_only_some_names_are_remembered(asked):
    """However many there are."""
    names = NameMemory(seconds=60)
    for number in range(300):
        await names.resolve(f"vendor-{number % 257}.example", 443)

    assert 257 + 43 == len(asked)
