"""What large answers may hold."""

import asyncio

import pytest

from imagegen_http.asgi.delivery import CONNECTION, OpenConnection
from imagegen_http.server.large_responses import PIECE_BYTES, LargeResponses

pytestmark = pytest.mark.anyio

SIZE = 5 * PIECE_BYTES + 7
LIST = "/api/v1/tasks"


class Reader:
    """A connection that takes what it is told to, and remembers what came."""

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
async def test_an_answer_arrives_whole(size):
    """In pieces, also one that is larger than all may be together."""
    reader = Reader()
    await bounded(answering(size))(reader.scope, reader.receive, reader.send)

    assert (200, bytes(size)) == (reader.status, reader.body)
    assert all(len(m["body"]) <= PIECE_BYTES for m in reader.messages[1:])
    assert not reader.messages[-1].get("more_body", False)


async def test_readers_who_do_not_read_leave_room_for_so_many():
    """The next one is turned away; when one of them has gone, there is room again."""
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


async def test_what_was_done_is_told_although_there_is_no_room():
    """Who is told that a task could not be made makes it again, and pays twice."""
    app, slow, post = bounded(times=1), Reader(pieces=1), Reader(LIST)
    post.scope["method"] = "POST"
    sending = asyncio.create_task(app(slow.scope, slow.receive, slow.send))
    await slow.stuck.wait()
    await app(post.scope, post.receive, post.send)
    slow.abort()
    await sending

    assert (200, bytes(SIZE)) == (post.status, post.body)


async def test_who_takes_nothing_is_not_waited_for():
    """The connection ends, and its share is free."""
    app, reader = bounded(times=1, stall_timeout_seconds=0.0), Reader(pieces=1)
    await app(reader.scope, reader.receive, reader.send)
    later = Reader()
    await app(later.scope, later.receive, later.send)

    assert (200, True) == (later.status, len(reader.body) < SIZE)


async def test_who_takes_piece_after_piece_too_slowly_is_not_waited_for():
    """He would hold his share for hours, and others would be turned away."""

    class Dripping(Reader):
        async def send(self, message):
            await asyncio.sleep(0.1)
            if not self._gone.is_set():
                self.messages.append(message)

    app, reader = bounded(stall_timeout_seconds=0.3, min_bytes_per_second=2**40), Dripping()
    await app(reader.scope, reader.receive, reader.send)

    assert len(reader.body) < SIZE


async def test_lists_of_tasks_are_made_one_at_a_time():
    """The next one begins when the first is on its way; who asks for something else does not wait."""
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


async def test_who_leaves_before_his_turn_costs_nothing():
    """Nobody waits for him either."""
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
