"""The inbound guard and the connection limits in a real server, over raw sockets."""

import asyncio
import contextlib
import gc
import json
import socket
import weakref
from collections import Counter

import attrs
import pytest
import uvicorn

from imagegen_adapters.system import SystemClock
from imagegen_core.messages import Language
from imagegen_http.errors import envelope
from imagegen_http.guard.asgi import GuardRules
from imagegen_http.guard.bodies import BODY
from imagegen_http.guard.guard import InboundGuard
from imagegen_http.server.connections import MAX_PER_ITERATION, AcceptingServer, ConnectionLimits
from imagegen_http.server.protocol import limited_protocol

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
RULES = GuardRules(max_upload_bytes=4 * MIB)
EVIL = "Origin: https://evil.example"


async def refuse(scope, receive, send, slug, data, headers):
    status, body = envelope(slug, data, language=Language.EN, request_id="id")
    content = json.dumps(body).encode()
    response_headers = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    head = [(k.encode(), v.encode()) for k, v in response_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content, "more_body": False})


class App:
    """Answers with the size of the body; ``/wait`` notes when its client leaves."""

    def __init__(self):
        self.waiting = asyncio.Event()
        self.disconnected = asyncio.Event()

    async def __call__(self, scope, receive, send):
        message = await receive()
        if scope["path"] == "/wait":
            self.waiting.set()
            assert (await receive())["type"] == "http.disconnect"
            self.disconnected.set()
            return
        content = str(len(message["body"])).encode()
        head = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": content, "more_body": False})


@contextlib.asynccontextmanager
async def serving(*, app=None, rules=RULES, limits=None, keep_alive=60):
    """Run a server on a free port; yields the port."""
    limits = limits or ConnectionLimits(head_seconds=60)
    config = uvicorn.Config(
        InboundGuard(app or App(), rules=rules, refuse=refuse, clock=SystemClock()),
        http=limited_protocol(limits, new_id=lambda: "id"),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=1,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = AcceptingServer(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running


@attrs.frozen
class Client:
    """One connection that sends what it is told and reads whole answers."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self):
        """Return (status, body) of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split()[1])
        length = next((int(x[15:]) for x in head.split("\r\n") if x.startswith("content-length:")), 0)
        return status, await self.reader.readexactly(length)

    async def code(self):
        """Return (code, field or None, max_bytes or None) of the next answer, an error."""
        error = json.loads((await self.answer())[1])
        data = error["data"]
        return error["code"], data.get("errors", [{}])[0].get("field"), data.get("max_bytes")

    async def ended(self):
        """Wait until the server ends the connection; return what it said before."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""


def head(method, path, *lines, host="127.0.0.1"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
GENERATE = "/api/v1/tasks/generate"
EDIT = "/api/v1/images/edit"


async def ask(port, data):
    async with Client.to(port) as client:
        await client.send(data)
        return await client.answer()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


# ---------------------------------------------------------------- slow clients


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        head("POST", GENERATE, JSON, "Content-Length: 100") + b'{"prompt":',
        head("POST", EDIT, JSON, CHUNKED) + b"10\r\n{",
    ],
)
async def test_slow_clients_do_not_keep_others_out(half):
    """While 200 connections hang in heads or bodies, health answers."""
    async with serving() as port, contextlib.AsyncExitStack() as stack:
        for _ in range(200):
            client = await stack.enter_async_context(Client.to(port))
            await client.send(half)

        assert (200, b"0") == await ask(port, head("GET", "/health"))


@pytest.mark.parametrize("half", [b"", b"GET /health HTT", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
async def test_a_head_that_does_not_end_ends_the_connection(half):
    """A connection without a whole head is closed after the time for it."""
    async with (
        serving(limits=ConnectionLimits(head_seconds=1)) as port,
        contextlib.AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(Client.to(port)) for _ in range(200)]
        await asyncio.gather(*(client.send(half) for client in clients))

        assert [b""] * 200 == await asyncio.gather(*(client.ended() for client in clients))


async def test_dripping_does_not_extend_the_time_for_a_head():
    """Each further byte leaves the deadline where it was."""

    async def drip(client):
        with contextlib.suppress(OSError, RuntimeError):  # the latter is uvloop's for a closed connection
            while not client.reader.at_eof():
                await client.send(b"a")
                await asyncio.sleep(0.01)

    async with serving(limits=ConnectionLimits(head_seconds=1)) as port, Client.to(port) as client:
        await client.send(b"GET / HTTP/1.1\r\nX: ")
        dripping = asyncio.create_task(drip(client))
        response = await client.ended()
        await dripping

        assert b"" == response


async def test_a_second_head_has_a_deadline_of_its_own():
    """On a kept connection the time runs from the first byte of the next head."""
    async with serving(limits=ConnectionLimits(head_seconds=1)) as port, Client.to(port) as client:
        await client.send(head("GET", "/"))
        first = await client.answer()
        await client.send(b"GET /")

        assert ((200, b"0"), b"") == (first, await client.ended())


async def test_the_time_for_a_head_ends_with_the_head():
    """Neither a body nor an application is hurried by it."""
    app = App()
    async with (
        serving(app=app, limits=ConnectionLimits(head_seconds=1)) as port,
        Client.to(port) as client,
        Client.to(port) as other,
    ):
        await client.send(head("GET", "/wait") + b"GET / HTTP/1.1\r\n")
        await app.waiting.wait()
        await other.ended()

        assert not client.reader.at_eof()


@pytest.mark.parametrize("half", [b'{"prompt":', b""])
async def test_a_body_that_does_not_end_is_answered(half):
    """A Content-Length that lies gets 40000 and an end after the time for bodies."""
    rules = attrs.evolve(RULES, body_seconds=1, linger_seconds=0.05)
    async with serving(rules=rules) as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, "Content-Length: 1000") + half)

        assert ((40000, "body", None), b"") == (await client.code(), await client.ended())


async def test_a_body_longer_than_announced_is_cut():
    """What follows the announced length is no part of the request, and no HTTP."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, "Content-Length: 2") + b"{}{}{}\r\n\r\n")

        assert ((200, b"2"), (40000, "request", None)) == (await client.answer(), await client.code())


# ---------------------------------------------------------------- large bodies

PIECE = b" " * (64 * 1024)


@pytest.mark.parametrize(("path", "size", "limit"), [(GENERATE, 30 * MIB, MIB), (EDIT, 30 * MIB, 4 * MIB)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_client_that_sends_before_it_reads_gets_its_answer(path, size, limit, chunked):
    """A body far over the limit is read to its end, and the refusal arrives whole."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", path, JSON, CHUNKED if chunked else f"Content-Length: {size}"))
        for _ in range(size // len(PIECE)):
            await client.send(chunk(PIECE) if chunked else PIECE)
        await client.send(chunk(b"") if chunked else b"")

        assert ((41300, None, limit), b"") == (await client.code(), await client.ended())


async def test_the_refusal_of_a_large_body_does_not_wait_for_it():
    """A client that reads while it sends may stop at once."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, f"Content-Length: {2 * MIB}"))

        assert (41300, None, MIB) == await client.code()


async def test_a_client_that_waits_to_continue_is_refused_instead():
    """``Expect: 100-continue`` gets the refusal at once and no body is sent."""
    expect = "Expect: 100-continue"
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, expect, f"Content-Length: {2 * MIB}"))

        assert ((41300, None, MIB), b"") == (await client.code(), await client.ended())


async def test_a_client_that_waits_to_continue_is_told_to():
    """``Expect: 100-continue`` with a fine head gets its 100."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, "Expect: 100-continue", "Content-Length: 2"))
        interim, _ = await client.answer()
        await client.send(b"{}")

        assert (100, (200, b"2")) == (interim, await client.answer())


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_within_the_limit_arrives_whole(chunked):
    """Four MiB for an image, in one message."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", EDIT, JSON, CHUNKED if chunked else f"Content-Length: {4 * MIB}"))
        body = b'"data:image/' + b"A" * (4 * MIB - 13) + b'"'
        await client.send(chunk(body) + chunk(b"") if chunked else body)

        assert (200, str(4 * MIB).encode()) == await client.answer()


async def test_brackets_do_not_exhaust_the_parser():
    """200,000 open brackets are refused, and the connection goes on."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, "Content-Length: 200000") + b"[" * 200_000)
        code = await client.code()
        await client.send(head("GET", "/health"))

        assert ((40000, "body", None), (200, b"0")) == (code, await client.answer())


# ---------------------------------------------------------------- other sites


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Content-Type: text/plain"],
        ["Content-Type: application/x-www-form-urlencoded"],
        ["Content-Type: multipart/form-data; boundary=a"],
        [JSON],
    ],
)
@pytest.mark.parametrize(
    ("from_where", "code"), [(EVIL, 40301), ("Sec-Fetch-Site: cross-site", 40301), ("X-None: 1", 41500)]
)
async def test_cross_site_posts_are_refused(lines, from_where, code):
    """Whatever a page of another site can send; and without a browser the type still has to be JSON."""
    async with serving() as port:
        status, body = await ask(
            port, head("POST", GENERATE, from_where, *lines, "Content-Length: 2") + b"{}"
        )

        expected = 200 if (code, lines) == (41500, [JSON]) else code
        assert expected == (200 if status == 200 else json.loads(body)["code"])


async def test_a_rebound_name_is_refused():
    """A foreign name that resolves to this machine does not pass, although Origin and Host agree."""
    async with serving() as port:
        rebound = head("POST", GENERATE, "Origin: http://evil.example", host="evil.example")
        _, body = await ask(port, rebound)

        assert 40301 == json.loads(body)["code"]


async def test_an_absolute_target_does_not_choose_the_host():
    """The name in an absolute request target opens nothing."""
    async with serving() as port:
        _, body = await ask(port, head("GET", "http://localhost/api/v1/tasks", host="evil.example"))

        assert 40301 == json.loads(body)["code"]


# ---------------------------------------------------------------- what is no HTTP


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 16 * MIB,
    ],
)
async def test_what_is_no_http_is_answered_as_an_error(data):
    """Two Hosts, none, nonsense and endless heads get 40000, in the envelope, before the end."""
    async with serving() as port, Client.to(port) as client:
        await client.send(data)

        assert ((40000, "request", None), b"") == (await client.code(), await client.ended())


async def test_an_address_as_it_is_typed_is_told_how_to_encode_it():
    """curl sends the characters as they are."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("GET", "/api/v1/images/search?keyword=橘猫"))
        _, body = await client.answer()

        assert "--data-urlencode" in json.loads(body)["data"]["errors"][0]["message"]


async def test_a_broken_chunk_is_answered():
    """A body that stops being HTTP ends its request."""
    async with serving() as port, Client.to(port) as client:
        await client.send(head("POST", GENERATE, JSON, CHUNKED) + b"2\r\n{}\r\nzz\r\n")

        assert (40000, "request", None) == await client.code()


async def test_an_upgrade_is_served_as_plain_http():
    """There are no websockets; a request for one is answered without."""
    upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: a",
        "Sec-WebSocket-Version: 13",
    ]
    async with serving() as port:
        assert (200, b"0") == await ask(port, head("GET", "/", *upgrade))


# ---------------------------------------------------------------- connections


async def test_a_peer_has_only_so_many_connections():
    """One too many is told so; the end of another makes room."""
    limits = ConnectionLimits(head_seconds=60, per_peer=2, per_loopback_peer=2)
    async with serving(limits=limits) as port, Client.to(port) as client:
        async with Client.to(port) as other:
            await client.send(head("GET", "/"))
            await other.send(head("GET", "/"))
            both = [(await client.answer())[0], (await other.answer())[0]]
            async with Client.to(port) as third:
                await third.send(head("POST", "/", "Content-Length: 300000") + bytes(300_000))
                refused = await third.ended()
            await other.send(head("GET", "/", "Connection: close"))
            await other.ended()
        later, _ = await ask(port, head("GET", "/"))

    line, body = refused.split(b"\r\n")[0], json.loads(refused.partition(b"\r\n\r\n")[2])
    assert ([200, 200], b"HTTP/1.1 503 Service Unavailable", 200) == (both, line, later)
    assert (50301, True) == (body["code"], "max_connections_per_address" in body["data"]["hint"])


async def test_requests_that_come_at_once_begin_in_many_turns_of_the_loop():
    """So that who asks meanwhile waits for a few of them, and a supervisor for none."""
    loop, turn, begun = asyncio.get_running_loop(), 0, {"/": Counter(), "/health": Counter()}

    def count_turns():
        nonlocal turn
        turn += 1
        loop.call_soon(count_turns)

    class Counting(App):
        async def __call__(self, scope, receive, send):
            begun[scope["path"]][turn] += 1
            await super().__call__(scope, receive, send)

    async with serving(app=Counting()) as port, contextlib.AsyncExitStack() as stack:
        clients = []
        for path in (*["/"] * 100, "/health"):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(head("GET", path))
            client.setblocking(False)
            clients.append(client)
        count_turns()
        answers = [await loop.sock_recv(client, 15) for client in clients]

    assert ({b"HTTP/1.1 200 OK"}, 100, 1) == (set(answers), begun["/"].total(), begun["/health"].total())
    assert max(begun["/"].values()) <= MAX_PER_ITERATION
    assert min(begun["/health"]) <= min(begun["/"])


async def test_the_application_notices_that_its_client_left():
    """The guard hands the server's disconnect on."""
    app = App()
    async with serving(app=app) as port:
        async with Client.to(port) as client:
            await client.send(head("GET", "/wait"))
            await app.waiting.wait()
        await app.disconnected.wait()

        assert app.disconnected.is_set()


async def test_a_served_request_is_freed_without_the_garbage_collector():
    """Else each one's head and objects would stay until that runs, and it would run more often."""
    bodies = []

    class Noting(App):
        async def __call__(self, scope, receive, send):
            bodies.append(weakref.ref(scope[BODY]))
            await super().__call__(scope, receive, send)

    async with serving(app=Noting()) as port, Client.to(port) as client:
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):  # the connection itself keeps the last
                await client.send(head("POST", "/", JSON, "Content-Length: 2") + b"{}")
                await client.answer()
            alive = [body() is not None for body in bodies]
            unreachable = gc.collect()
        finally:
            gc.enable()

    assert [False] * 19 == alive[:19]
    assert unreachable < 20  # not even one object of each
