"""The memory of large responses."""

import asyncio

import pytest

from imagegen_http.guard.delivery import CONNECTION, OpenConnection
from imagegen_http.server.responses import PIECE_BYTES, LargeResponses

pytestmark = pytest.mark.anyio

SIZE = 5 * PIECE_BYTES + 7
LIST = "/api/v1/tasks"


class Reader:
    """A connection that accepts a number of pieces, and records what it received."""

    def __init__(self, path="/a", pieces=99):
        self.connection = OpenConnection(self)
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": [],
            CONNECTION: self.connection,
        }
        self.messages, self.stuck = [], asyncio.Event()
        self._pieces, self._gone = pieces, asyncio.Event()

    async def send(self, message):
        if len(self.body) > self._pieces * PIECE_BYTES:
            self.stuck.set()
            await self._gone.wait()
        else:
            self.messages.append(message)

    async def receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def abort(self):
        self._gone.set()

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def body(self):
        return b"".join(m["body"] for m in self.messages[1:])


async def refuse(scope, receive, send, slug, data, headers):
    await send({"type": "http.response.start", "status": slug, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def answering(size=SIZE, before=lambda: asyncio.sleep(0)):
    async def app(scope, receive, send):
        await before()
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(size)})

    return app


def bounded(app=None, *, times=2, **more):
    return LargeResponses(app or answering(), refuse=refuse, max_bytes=times * SIZE, **more)


@pytest.mark.parametrize("size", [10, PIECE_BYTES, SIZE, 9 * SIZE])
async def test_a_response_arrives_complete(size):
    """In pieces, also one that is larger than the budget."""
    reader = Reader()
    await bounded(answering(size))(reader.scope, reader.receive, reader.send)

    assert (200, bytes(size)) == (reader.status, reader.body)
    assert all(len(m["body"]) <= PIECE_BYTES for m in reader.messages[1:])
    assert not reader.messages[-1].get("more_body", False)


async def test_clients_that_stop_reading_use_up_the_budget():
    """The next one is refused; after one disconnects, there is room again."""
    app, slow = bounded(), [Reader(pieces=1) for _ in range(2)]
    sending = [asyncio.create_task(app(r.scope, r.receive, r.send)) for r in slow]
    for reader in slow:
        await reader.stuck.wait()
    turned_away, later = Reader(), Reader()
    await app(turned_away.scope, turned_away.receive, turned_away.send)
    slow[0].abort()
    await sending[0]
    await app(later.scope, later.receive, later.send)
    slow[1].abort()
    await sending[1]

    assert ("unavailable", 200) == (turned_away.status, later.status)


async def test_the_response_of_a_post_is_sent_although_there_is_no_room():
    """A client that got an error for a task that was created would submit it again, and pay twice."""
    app, slow, post = bounded(times=1), Reader(pieces=1), Reader(LIST)
    post.scope["method"] = "POST"
    sending = asyncio.create_task(app(slow.scope, slow.receive, slow.send))
    await slow.stuck.wait()
    await app(post.scope, post.receive, post.send)
    slow.abort()
    await sending

    assert (200, bytes(SIZE)) == (post.status, post.body)


async def test_a_stalled_client_is_disconnected():
    """The connection ends, and its part of the budget is free."""
    app, reader = bounded(times=1, stall_timeout_seconds=0.0), Reader(pieces=1)
    await app(reader.scope, reader.receive, reader.send)
    later = Reader()
    await app(later.scope, later.receive, later.send)

    assert (200, True) == (later.status, len(reader.body) < SIZE)


async def test_a_client_that_is_too_slow_on_average_is_disconnected():
    """It would use its part of the budget for hours, and others would be refused."""

    class Dripping(Reader):
        async def send(self, message):
            await asyncio.sleep(0.1)
            if not self._gone.is_set():
                self.messages.append(message)

    app, reader = bounded(stall_timeout_seconds=0.3, min_bytes_per_second=2**40), Dripping()
    await app(reader.scope, reader.receive, reader.send)

    assert len(reader.body) < SIZE


async def test_lists_of_tasks_are_built_one_at_a_time():
    """The next one starts when the first is being sent; requests for anything else do not wait."""
    begun, two, goes_on = [], asyncio.Event(), asyncio.Event()

    async def before():
        begun.append(1)
        if len(begun) == 2:
            two.set()
        await goes_on.wait()

    app, readers = bounded(answering(before=before), times=3), [Reader(LIST), Reader(LIST), Reader()]
    sending = [asyncio.create_task(app(r.scope, r.receive, r.send)) for r in readers]
    await two.wait()
    while_it_was_made = len(begun)
    goes_on.set()
    await asyncio.gather(*sending)

    assert (2, 3) == (while_it_was_made, len(begun))


async def test_a_disconnect_before_its_slot_costs_nothing():
    """Nothing waits for that client either."""
    begun, first_begun, goes_on = [], asyncio.Event(), asyncio.Event()

    async def before():
        begun.append(1)
        first_begun.set()
        await goes_on.wait()

    app, readers = bounded(answering(before=before), times=3), [Reader(LIST) for _ in range(3)]
    first = asyncio.create_task(app(readers[0].scope, readers[0].receive, readers[0].send))
    await first_begun.wait()
    sending = [asyncio.create_task(app(r.scope, r.receive, r.send)) for r in readers[1:]]
    readers[1].abort()
    await sending[0]
    goes_on.set()
    await asyncio.gather(first, sending[1])

    assert (2, [], 200) == (len(begun), readers[1].messages, readers[2].status)


async def test_a_disconnect_that_comes_with_its_slot_raises_nothing():
    """Its response is made, as if the client had left a moment later."""
    begun, goes_on, errors = asyncio.Event(), asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))

    async def before():
        begun.set()
        await goes_on.wait()

    app, (first, second) = bounded(answering(before=before), times=3), (Reader(LIST), Reader(LIST))
    sending = [asyncio.create_task(app(r.scope, r.receive, r.send)) for r in (first, second)]
    await begun.wait()
    await asyncio.sleep(0)
    goes_on.set()
    second.abort()
    await asyncio.gather(*sending)

    assert ([], 200) == (errors, second.status)
