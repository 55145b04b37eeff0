"""All bodies together share a budget of memory."""

import asyncio
import contextlib
import json

import attrs
import pytest

from imagegen_http.guard.guard import InboundGuard
from tests.unit.http.guard.guard_requests import (
    CLOCK,
    EDIT,
    GENERATE,
    HOST,
    JSON_TYPE,
    MIB,
    RULES,
    ask,
    echo,
    refuse,
    scope_of,
    upload,
)

pytestmark = pytest.mark.anyio


class Unfinished:
    """A request whose body has started; the rest never arrives."""

    def __init__(self, begun):
        self._messages = [{"type": "http.request", "body": begun, "more_body": True}]

    async def sent_to(self, guard):
        """Return the slug of the answer."""
        messages = []

        async def receive():
            return self._messages.pop() if self._messages else await asyncio.Future()

        async def send(message):
            messages.append(message)

        headers = [HOST, JSON_TYPE, ("Transfer-Encoding", "chunked")]
        await guard(scope_of("POST", GENERATE, headers), receive, send)
        return json.loads(messages[1]["body"])["error"]


def bytes_used(guard, rules):
    budget, in_all = guard._bodies.budget, max(rules.max_bytes_in_flight, rules.max_upload_bytes)
    return in_all + rules.reserved_bytes - budget.free - budget.reserve


class Holding:
    """An application that keeps its request open until the test releases it."""

    def __init__(self):
        self.may_end = asyncio.Event()
        self.running = 0
        self.started = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.started.set()
        await self.may_end.wait()
        await echo(scope, receive, send)


async def test_bodies_are_counted_from_their_first_byte():
    """Incomplete ones too, however small they are."""
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=4 * MIB, reserved_bytes=0)
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)
    held_open = [Unfinished(b" " * (MIB // 2)) for _ in range(9)]
    running = [asyncio.create_task(each.sent_to(guard)) for each in held_open]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    assert 4 * MIB == bytes_used(guard, rules)
    assert ["unavailable"] == [task.result() for task in running if task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert 0 == bytes_used(guard, rules)


async def test_a_prompt_gets_through_while_uploads_fill_the_memory():
    """It has a reserve that no large body may use."""
    app = Holding()
    rules = attrs.evolve(RULES, max_upload_bytes=MIB, max_bytes_in_flight=MIB, reserved_bytes=300 * 1024)
    guard = InboundGuard(app, rules=rules, refuse=refuse, clock=CLOCK)
    first = asyncio.create_task(ask("POST", EDIT, JSON_TYPE, body=upload(MIB), guard=guard))
    await app.started.wait()

    large = await ask("POST", EDIT, JSON_TYPE, body=upload(257 * 1024), guard=guard)
    text = b" " * 200 * 1024
    prompts = [asyncio.create_task(ask("POST", GENERATE, JSON_TYPE, body=text, guard=guard)) for _ in "ab"]
    await asyncio.wait(prompts, return_when=asyncio.FIRST_COMPLETED)
    app.may_end.set()
    answers = await asyncio.gather(*prompts)
    await first

    assert ["ok", "unavailable", "unavailable"] == sorted(answer.slug for answer in (large, *answers))
    assert "unavailable" == large.slug
    assert 0 == bytes_used(guard, rules)


async def test_large_bodies_share_a_budget():
    """One too many gets 503; small ones pass; the end of a request frees its bytes."""
    app = Holding()
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=5 * MIB)
    guard = InboundGuard(app, rules=rules, refuse=refuse, clock=CLOCK)
    first = asyncio.create_task(ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard))
    await app.started.wait()

    announced = await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)
    chunked = await ask(
        "POST",
        EDIT,
        JSON_TYPE,
        body=[upload(3 * MIB)[at : at + MIB] for at in range(0, 3 * MIB, MIB)],
        guard=guard,
    )
    app.may_end.set()
    small = await ask("POST", GENERATE, JSON_TYPE, body=b" " * MIB, guard=guard)
    await first
    later = await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)

    assert ["unavailable", "unavailable", "ok", "ok"] == [a.slug for a in (announced, chunked, small, later)]
    assert "5" == announced.headers["retry-after"]
    assert 0 == bytes_used(guard, rules)


async def test_one_upload_always_fits():
    """A budget below the maximum size of an upload would refuse it forever."""
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=MIB)

    assert 200 == (await ask("POST", EDIT, JSON_TYPE, body=upload(4 * MIB), rules=rules)).status


async def test_a_failing_application_frees_its_bytes():
    """The budget does not leak."""

    async def failing(scope, receive, send):
        raise RuntimeError

    guard = InboundGuard(failing, rules=RULES, refuse=refuse, clock=CLOCK)

    with contextlib.suppress(RuntimeError):
        await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)

    assert 0 == bytes_used(guard, RULES)
