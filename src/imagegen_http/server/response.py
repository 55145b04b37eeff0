"""Writes the response to a request, and to what is none."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from imagegen_core.messages import Language, Message
from imagegen_core.problems import Problem
from imagegen_http.asgi.types import Message as AsgiMessage
from imagegen_http.problems.error_table import envelope
from imagegen_http.server.request_head import RequestHead

_BODILESS_STATUSES = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_LAST_CHUNK = b"0\r\n\r\n"


class Response:
    """The response of a cycle, in place of uvicorn's: one write for head and body, no chunks in HTTP/1.0.

    The head is held until the body begins, or until the next iteration of the event loop.
    """

    def __init__(self, head: RequestHead, cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
        self._cycle = cycle
        self._transport = transport
        self._may_be_chunked = head.http_version != "1.0"
        self._is_bodiless = head.method == "HEAD"
        self._is_chunked = False
        self._missing_bytes: int | None = None
        self._held_head = b""
        self.has_begun = False

    async def send(self, message: Any) -> None:
        """Send the beginning of the response, or a piece of its body.

        Raises:
            RuntimeError: the application does not respond as ASGI demands.
        """
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        expected = "http.response.body" if cycle.response_started else "http.response.start"
        if message["type"] != expected or cycle.response_complete:
            raise RuntimeError(f"unexpected ASGI message {message['type']}")
        if not cycle.response_started:
            self._start(message)
            return
        more = message.get("more_body", False)
        self._write_body(message.get("body", b""), more=more)
        if not more:
            cycle.response_complete = True
            cycle.message_event.set()
            if not cycle.keep_alive:
                self._transport.close()
            cycle.on_response()

    def _start(self, message: AsgiMessage) -> None:
        status = message["status"]
        self._is_bodiless = self._is_bodiless or status in _BODILESS_STATUSES
        self._held_head = self._head(status, [*self._cycle.default_headers, *message.get("headers", ())])
        self._cycle.response_started = True
        self._cycle.waiting_for_100_continue = False
        asyncio.get_running_loop().call_soon(self._write_held_head)

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return the response's head, and note how its body ends."""
        length, closes = None, False
        for name, value in headers:
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"connection":
                    closes = closes or b"close" in value.lower()
        self._is_chunked = length is None and not self._is_bodiless and self._may_be_chunked
        self._missing_bytes = length
        if closes or (length is None and not self._is_bodiless and not self._may_be_chunked):
            self._cycle.keep_alive = False
        if not self._cycle.keep_alive and not closes:
            headers.append((b"connection", b"close"))
        if self._is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
            raise RuntimeError("a header of the response has a line break or NUL")
        return _status_line(status) + lines + b"\r\n"

    def _write_held_head(self) -> None:
        if self._held_head and not self._cycle.disconnected and not self._transport.is_closing():
            self._write()

    def _write_body(self, body: bytes, *, more: bool) -> None:
        if self._is_bodiless:
            self._write()
        elif self._is_chunked:
            self._write(
                *((b"%x\r\n" % len(body), body, b"\r\n") if body else ()), b"" if more else _LAST_CHUNK
            )
        else:
            self._count(len(body), more=more)
            self._write(body)

    def _count(self, size: int, *, more: bool) -> None:
        if self._missing_bytes is None:
            return
        self._missing_bytes -= size
        if self._missing_bytes < 0 or (self._missing_bytes and not more):
            raise RuntimeError("the response is not as long as its Content-Length says")

    def _write(self, *pieces: bytes) -> None:
        head, self._held_head = self._held_head, b""
        self.has_begun = True
        self._transport.writelines([piece for piece in (head, *pieces) if piece])


def bad_request(reason: Message, request_id: str) -> bytes:
    """Return the response to what is not HTTP as we read it; the connection ends with it."""
    problem = Problem(field="request", reason=reason)
    return _refusal("validation_failed", {"errors": (problem,)}, request_id)


def too_many_connections(reason: Message, request_id: str) -> bytes:
    """Return the response to a connection that is one too many, whatever it was to ask."""
    return _refusal("unavailable", {"hint": reason}, request_id, "retry-after: 1")


def _refusal(slug: str, data: dict[str, Any], request_id: str, *headers: str) -> bytes:
    """Return a response in Chinese, since no header that names a language was read."""
    status, body = envelope(slug, data, language=Language.ZH, request_id=request_id)
    content = json.dumps(body, ensure_ascii=False).encode()
    lines = (
        "content-type: application/json",
        f"content-length: {len(content)}",
        "x-content-type-options: nosniff",
        f"x-request-id: {request_id}",
        *headers,
        "connection: close",
    )
    return _status_line(status) + "\r\n".join((*lines, "", "")).encode() + content


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode())
