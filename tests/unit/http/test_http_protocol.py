"""A connection: what it reads, when it reads no more, and how it writes."""

import asyncio
import re

import pytest
import uvicorn
from uvicorn.server import ServerState

from imagegen_http.server.connections import ConnectionLimits
from imagegen_http.server.protocol import limited_protocol
from tests.hostile_requests import REQUESTS, SECOND

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PIECES = 300


class Line(asyncio.Transport):
    """A transport whose other end is the test."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.reads = True
        self.closed = self.ended = self.aborted = False
        self.unsent_bytes = 0

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 80) if name in ("peername", "sockname") else default

    def write(self, data):
        assert not self.closed
        assert not self.ended
        self.writes.append(bytes(data))

    def writelines(self, pieces):
        self.write(b"".join(pieces))

    def get_write_buffer_size(self):
        return self.unsent_bytes

    def write_eof(self):
        self.ended = True

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True


class Connection:
    """A connection to an application."""

    def __init__(self, app, limits=None):
        config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none")
        self.line = Line()
        protocol = limited_protocol(limits or ConnectionLimits(), new_id=lambda: "id")
        self.protocol = protocol(config, ServerState(), {})
        self.protocol.connection_made(self.line)

    async def send(self, data, size=None):
        """Send pieces of a size, each as soon as the connection reads, until it is closed."""
        size = size or len(data)
        for begin in range(0, len(data), size):
            piece = data[begin : begin + size]
            while piece and not self.is_done:
                await until(lambda: self.line.reads or self.is_done)
                buffer = self.protocol.get_buffer(-1)
                length = min(len(buffer), len(piece))
                buffer[:length], piece = piece[:length], piece[length:]
                self.protocol.buffer_updated(length)

    async def answers(self):
        """Return all that was written, once no request is being served."""
        await until(lambda: self.is_done or not self.protocol._is_serving)
        return b"".join(self.line.writes)

    @property
    def is_done(self):
        return self.line.closed or self.line.ended


async def until(condition):
    """Let the event loop turn until this is true."""
    while not condition():  # noqa: ASYNC110 - the turns are what a test is about
        await asyncio.sleep(0)


async def turns(number):
    for _ in range(number):
        await asyncio.sleep(0)


async def size_of_body(scope, receive, send):
    """Answer with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    content = str(size).encode()
    await respond(send, content, headers=[(b"content-length", str(len(content)).encode())])


async def respond(send, *pieces, headers=(), status=200):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": piece is not pieces[-1]})


async def statuses(request, size=None):
    connection = Connection(size_of_body)
    await connection.send(request + SECOND, size)
    codes = re.findall(rb"HTTP/1\.1 (\d{3}) ", await connection.answers())
    connection.protocol.connection_lost(None)
    return codes, connection.is_done


@pytest.mark.parametrize("name", [name for name in REQUESTS if "tiny" not in name])
async def test_it_does_not_matter_how_the_network_cuts_a_request(name):
    """Whole, or in many pieces: the same is refused, and the same served.

    But tiny chunks are refused only where many come at once: one a second is a slow client.
    """
    request, _ = REQUESTS[name]

    assert await statuses(request) == await statuses(request, 1 + len(request) // PIECES)


async def test_requests_in_one_packet_are_begun_one_after_the_other():
    """Until the first is answered, the next is not read, and nothing after it is received."""
    begun, may_respond = [], asyncio.Event()

    async def app(scope, receive, send):
        begun.append(scope["path"])
        await may_respond.wait()
        await size_of_body(scope, receive, send)

    connection = Connection(app)
    await connection.send(b"".join(GET.replace(b"/ ", b"/%d " % number) for number in range(500)))
    await turns(10)
    before = (list(begun), connection.line.reads)
    may_respond.set()
    answers = await connection.answers()

    assert (["/0"], False) == before
    assert [f"/{number}" for number in range(500)] == begun
    assert (500, True) == (answers.count(b"HTTP/1.1 200 OK"), connection.line.reads)


async def test_little_is_read_at_once():
    """A connection brings 32 KiB at most before anybody counts them."""
    assert 32 * 1024 == len(Connection(size_of_body).protocol.get_buffer(256 * 1024))


async def test_a_body_that_nobody_takes_is_not_read():
    """What an application does not ask for stays with the client."""
    reading = asyncio.Event()

    async def app(scope, receive, send):
        await reading.wait()
        await size_of_body(scope, receive, send)

    connection = Connection(app)
    head, body = GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 300000\r\n\r\n"), b" " * 300_000
    sending = asyncio.create_task(connection.send(head + body))
    await turns(50)
    received = len(connection.protocol._cycle.body)
    reading.set()
    await sending

    assert received <= 3 * 32 * 1024
    assert (await connection.answers()).endswith(b"300000")


@pytest.mark.parametrize("response", [b"early", b"begun"])
async def test_a_body_that_breaks_after_its_response_gets_no_second_one(response):
    """The client would take it for the response to its next request."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": response == b"begun"})
        await receive()

    connection = Connection(app)
    await connection.send(GET.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"))
    await turns(5)
    await connection.send(b"zz\r\n")
    await turns(5)

    assert connection.is_done
    assert 1 == b"".join(connection.line.writes).count(b"HTTP/1.1 ")


async def test_nothing_is_asked_for_after_a_refusal():
    """No 100 Continue follows the response to a body that is not chunked as it should be."""
    failures = []

    async def app(scope, receive, send):
        try:
            await size_of_body(scope, receive, send)
        except AssertionError as error:
            failures.append(error)

    connection = Connection(app)
    framing = b"\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    await connection.send(GET.replace(b"\r\n\r\n", framing))
    await turns(10)

    assert [] == failures
    assert [b"HTTP/1.1 400"] == [data[:12] for data in connection.line.writes]


# ---------------------------------------------------------------- clients that do not read


async def stalled(request=GET, app=size_of_body):
    """Return a connection after a response that is not sent, to a client with no time to read."""
    connection = Connection(app, ConnectionLimits(stall_seconds=0))
    await connection.send(request)
    connection.line.unsent_bytes = 100
    await turns(5)
    return connection


@pytest.mark.parametrize("end", ["pause_writing", "shutdown", "eof_received"])
async def test_a_client_that_does_not_read_is_disconnected(end):
    """Closing alone would wait for it for good."""
    connection = await stalled()
    getattr(connection.protocol, end)()

    await until(lambda: connection.line.aborted)


async def test_a_client_that_does_not_read_the_last_response_is_disconnected():
    """The connection is closed after it, and does not wait for good."""
    connection = await stalled(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    await until(lambda: connection.line.aborted)


async def test_a_client_that_reads_again_stays_connected():
    """It is in time, and the next response has the same time."""
    connection = await stalled()
    connection.protocol.pause_writing()
    connection.line.unsent_bytes = 0
    connection.protocol.resume_writing()
    await asyncio.to_thread(lambda: None)
    await turns(5)

    assert not connection.line.closed


# ---------------------------------------------------------------- responses


async def written(app, request=GET):
    connection = Connection(app)
    await connection.send(request)
    await connection.answers()
    await turns(3)
    connection.protocol.connection_lost(None)
    return connection.line.writes, connection.line.closed


async def test_a_response_is_one_write():
    """Head and body go together."""
    writes, closed = await written(size_of_body)

    assert (1, False) == (len(writes), closed)
    assert writes[0].endswith(b"content-length: 1\r\n\r\n0")


async def test_capitals_of_a_response_do_not_hide_where_it_ends():
    """Its length and the end of the connection count however an application spells them."""

    async def app(scope, receive, send):
        headers = [(b"Content-Length", b"3"), (b"x-one", b"1"), (b"Connection", b"Close")]
        await send({"type": "http.response.start", "status": 299, "headers": headers})
        await send({"type": "http.response.body", "body": b"abc", "more_body": False})

    writes, closed = await written(app)

    lines = (b"HTTP/1.1 299 ", b"Content-Length: 3", b"x-one: 1", b"Connection: Close", b"", b"abc")
    assert ([b"\r\n".join(lines)], True) == (writes, closed)


async def test_a_head_does_not_wait_for_its_body():
    """Who subscribes to events gets the head before the first of them."""
    event = asyncio.Event()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await event.wait()
        await send({"type": "http.response.body", "body": b"data", "more_body": False})

    connection = Connection(app)
    await connection.send(GET)
    await turns(5)
    head = connection.line.writes[0]
    event.set()
    await connection.answers()

    assert head.endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert [b"4\r\ndata\r\n0\r\n\r\n"] == connection.line.writes[1:]


@pytest.mark.parametrize(
    ("request_line", "status", "content"),
    [
        (b"GET / HTTP/1.1", 200, b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        (b"GET / HTTP/1.0", 200, b"abc"),
        (b"HEAD / HTTP/1.1", 200, b""),
        (b"HEAD / HTTP/1.0", 200, b""),
        (b"GET / HTTP/1.1", 204, b""),
        (b"GET / HTTP/1.1", 304, b""),
    ],
)
async def test_a_response_without_a_length_ends_as_its_client_understands(request_line, status, content):
    """In HTTP/1.0 with the connection, and without a body where there cannot be one."""

    async def app(scope, receive, send):
        await respond(send, b"ab", b"c", status=status)

    writes, closed = await written(app, GET.replace(b"GET / HTTP/1.1", request_line))

    head, _, body = b"".join(writes).partition(b"\r\n\r\n")
    assert content == body
    assert (b"2\r\n" in content) == (b"chunked" in head)
    assert (b"1.0" in request_line) == closed == (b"connection: close" in head)


@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_no_header_of_a_response_hides_another(value):
    """The client gets an error instead."""

    async def app(scope, receive, send):
        await respond(send, b"", headers=[(b"x", value)])

    writes, _ = await written(app)

    assert b"".join(writes).startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in b"".join(writes)


@pytest.mark.parametrize("content", [b"a", b"abc"])
async def test_a_response_of_another_length_than_announced_ends_the_connection(content):
    """The client cannot take what follows for a part of it, nor the other way round."""

    async def app(scope, receive, send):
        await respond(send, content, headers=[(b"content-length", b"2")])

    writes, closed = await written(app)

    assert closed
    assert b"abc" not in b"".join(writes)
