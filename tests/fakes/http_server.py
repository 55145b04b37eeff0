"""A small real HTTP server on loopback for fakes of providers: records requests, fails on demand.

A fake is any callable that takes a `Request` and returns a `Reply`::

    async with HttpServer(fake) as server:
        server.break_next(Break.RESET_AFTER_READ, path="/v1/images")
        ...  # call f"{server.url}/v1/images"
    assert len(server.requests) == 1

A fake asserts what it is strict about; failed assertions are in ``complaints``, and answered by 418.
A fake records its charges in its own ledger; a broken response is still charged, unless the request
was never read.
"""

import asyncio
import contextlib
import email
import email.policy
import enum
import gzip
import inspect
import json
import re
import socket
import struct
import traceback
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs


@attrs.frozen(kw_only=True)
class Request:
    """A received request; ``headers`` by lower-case name, ``path`` decoded and without the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    raw_path: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @cached_property
    def parts(self) -> "list[Part]":
        """The parts of a multipart body, in order; `email` would look at each line of each file."""
        head = email.message_from_string(f"Content-Type: {self.headers['content-type']}")
        delimiter = f"\r\n--{head.get_boundary()}".encode()
        _, *pieces, end = (b"\r\n" + self.body).split(delimiter)
        assert end.startswith(b"--"), "the last part has no end"
        return [Part.parse(piece) for piece in pieces]

    @property
    def form(self) -> dict[str, str]:
        """The text parts of a multipart body."""
        return {part.name: part.data.decode() for part in self.parts if part.filename is None}


@attrs.frozen(kw_only=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    content_type: str
    data: bytes

    @classmethod
    def parse(cls, piece: bytes) -> "Part":
        """Return the part of what is between two delimiters."""
        end = piece.find(b"\r\n\r\n")
        assert end >= 0, "a part has no content"
        message = email.message_from_bytes(piece[:end].removeprefix(b"\r\n"), policy=email.policy.HTTP)
        return cls(
            name=message.get_param("name", header="content-disposition"),
            filename=message.get_filename(),
            content_type=message.get_content_type(),
            data=piece[end + 4 :],
        )


@attrs.frozen
class Reply:
    """The response of a fake; ``chunks`` stream a body as it is made, and cut the connection by a `Cut`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = attrs.field(factory=dict)
    chunks: AsyncIterator[bytes] | None = None

    @classmethod
    def json(cls, data: Any, status: int = 200, **headers: str) -> "Reply":
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(data).encode(), {"content-type": "application/json", **names})

    def gzipped(self) -> "Reply":
        return Reply(self.status, gzip.compress(self.body), {**self.headers, "content-encoding": "gzip"})


class Cut(ConnectionError):
    """Raised within ``chunks``: the connection ends here."""


class Break(enum.Enum):
    """How the next matching request fails."""

    RESET_BEFORE_READ = "the connection is reset, the request is not read"
    RESET_AFTER_READ = "the request is served, its answer is lost by a reset"
    TRUNCATED = "the request is served, half of the answer arrives"
    EMPTY = "the request is served, the answer is 200 with no body"
    HTML = "the request is served, the answer is a page"
    SERVER_ERROR = "the request is served, its answer is lost behind a 500"
    SILENCE = "the request is served, no answer ever comes"


@attrs.define
class _Planned:
    path: str
    how: "Break | Reply"
    times: int
    method: str


class HttpServer:
    """Serves one fake; ``async with`` starts and stops it."""

    def __init__(self, fake) -> None:
        self.fake = fake
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.connections = 0
        self._planned: list[_Planned] = []
        self._tasks: set[asyncio.Task] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def break_next(self, how: "Break | Reply", *, path: str = "", times: int = 1, method: str = "") -> None:
        """Make the next requests whose path matches the pattern fail, of one method or of any.

        A `Reply` replaces the fake's own, and is not charged: the fake never sees the request.
        """
        self._planned.append(_Planned(path, how, times, method))

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._exchange(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            writer.close()

    async def _exchange(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n", 1)[0].split(" ", 2)
        how = self._how(method, unquote(urlsplit(target).path))
        if how is Break.RESET_BEFORE_READ:
            return _reset(writer)
        request = await _read(reader, head, method, target)
        self.requests.append(request)
        reply = how if isinstance(how, Reply) else await self._answer(request)
        if how is Break.RESET_AFTER_READ:
            return _reset(writer)
        if how is Break.SILENCE:
            await reader.read()
            return None
        if how is Break.SERVER_ERROR:
            reply = Reply.json({"error": {"message": "something broke"}}, 500)
        if how is Break.EMPTY:
            reply = Reply()
        if how is Break.HTML:
            reply = Reply(200, b"<html><body>Welcome</body></html>", {"content-type": "text/html"})
        await _write(writer, reply, cut=how is Break.TRUNCATED)
        return None

    async def _answer(self, request: Request) -> Reply:
        try:
            reply = self.fake(request)
            return await reply if inspect.isawaitable(reply) else reply
        except AssertionError as error:
            self.complaints.append(str(error) or traceback.format_exc(limit=-1))
            return Reply(418, str(error).encode(), {"content-type": "text/plain"})

    def _how(self, method: str, path: str):
        for planned in self._planned:
            if planned.times and planned.method in ("", method) and re.search(planned.path, path):
                planned.times -= 1
                return planned.how
        return None


async def _read(reader, head: str, method: str, target: str) -> Request:
    lines = [line for line in head.split("\r\n")[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunked(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Request(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=body,
        raw_path=parts.path,
    )


async def _read_chunked(reader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _write(writer, reply: Reply, *, cut: bool) -> None:
    length = {"content-length": str(len(reply.body))}
    framing = length if reply.chunks is None else {"transfer-encoding": "chunked"}
    headers = {**framing, "connection": "close", **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    if reply.chunks is not None:
        async for chunk in reply.chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    else:
        writer.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
    await writer.drain()


def _reset(writer) -> None:
    """Close with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
