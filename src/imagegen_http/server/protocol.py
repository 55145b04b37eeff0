"""A connection: HTTP/1.1 within our limits, for uvicorn's server on uvloop."""

import asyncio
import json
import logging
from collections.abc import Callable
from functools import partial
from http.client import NO_CONTENT, NOT_MODIFIED, responses
from typing import Any

import attrs
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from imagegen_core.messages import Language, Message, Problem
from imagegen_http.errors import envelope
from imagegen_http.guard.bodies import BODY_ARRIVED
from imagegen_http.guard.delivery import CONNECTION, OpenConnection
from imagegen_http.server.connections import (
    ConnectionLimits,
    Deadlines,
    OpenConnections,
    ScheduledFlowControl,
    Throttle,
)
from imagegen_http.server.framing import InvalidRequest, RequestBody, RequestHead, find_head, parse_head

_BODILESS_STATUSES = frozenset({NO_CONTENT, NOT_MODIFIED})
_LAST_CHUNK = b"0\r\n\r\n"


class Cycle(RequestResponseCycle):
    """uvicorn's, without chunks in HTTP/1.0. It writes the head with the body, if that follows at once."""

    def __init__(self, head: RequestHead, **more: Any) -> None:
        super().__init__(
            logger=_log,
            access_logger=_log,
            access_log=False,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=head.keep_alive,
            **more,
        )
        self._may_be_chunked = head.scope["http_version"] != "1.0"
        self._is_bodiless = head.scope["method"] == "HEAD"
        self._is_chunked = False
        self._missing_bytes: int | None = None
        self._held_head = b""
        self.has_begun = False

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        expected = "http.response.body" if self.response_started else "http.response.start"
        if message["type"] != expected or self.response_complete:
            raise RuntimeError(f"unexpected ASGI message {message['type']}")
        if not self.response_started:
            self._start(message["status"], [*self.default_headers, *message.get("headers", ())])
            return
        more = message.get("more_body", False)
        self._write_body(message.get("body", b""), more=more)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def disconnect(self) -> None:
        """Tell the application that its client left, unless that has the whole response."""
        if not self.response_complete:
            self.disconnected = True
            self.waiting_for_100_continue = False  # it would be written although nothing may be any more
            self.message_event.set()

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._is_bodiless = self._is_bodiless or status in _BODILESS_STATUSES
        self._held_head = self._head(status, headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        asyncio.get_running_loop().call_soon(self._write_held_head)

    def _head(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return the response's head, and store how its body ends."""
        fields = dict(headers)
        if not b"".join(fields).islower():  # as ASGI wants them
            fields = {name.lower(): value for name, value in headers}
        self._missing_bytes = int(fields[b"content-length"]) if b"content-length" in fields else None
        closes = b"close" in fields.get(b"connection", b"").lower()
        is_endless = self._missing_bytes is None and not self._is_bodiless
        self._is_chunked = is_endless and self._may_be_chunked
        self.keep_alive = self.keep_alive and not closes and (self._may_be_chunked or not is_endless)
        if not self.keep_alive and not closes:
            headers.append((b"connection", b"close"))
        if self._is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
            raise RuntimeError("a header of the response has a line break or NUL")
        return _status_line(status) + lines + b"\r\n"

    def _write_held_head(self) -> None:
        if self._held_head and not self.disconnected and not self.transport.is_closing():
            self._write()

    def _write_body(self, body: bytes, *, more: bool) -> None:
        if self._is_bodiless:
            self._write()
        elif self._is_chunked:
            chunk = (b"%x\r\n" % len(body), body, b"\r\n") if body else ()
            self._write(*chunk, b"" if more else _LAST_CHUNK)
        else:
            if self._missing_bytes is not None:
                self._missing_bytes -= len(body)
                if self._missing_bytes < 0 or (self._missing_bytes and not more):
                    raise RuntimeError("the response is not as long as its Content-Length says")
            self._write(body)

    def _write(self, *pieces: bytes) -> None:
        head, self._held_head = self._held_head, b""
        self.has_begun = True
        self.transport.writelines([piece for piece in (head, *pieces) if piece])


def _refusal(slug: str, data: dict[str, Any], request_id: str, *headers: str) -> bytes:
    """Return a response in Chinese: no header that names a language was read."""
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
    return b"HTTP/1.1 %d %b\r\n" % (status, responses.get(status, "").encode())


_MAX_READ_BYTES = 32 * 1024  # so much of each connection is in memory before a budget counts it
_UNTHROTTLED_PREFIX = "/health"
_LINGER_SECONDS = 1.0  # a refused connection stays open, so that a client that still sends reads why
_MAX_LINGERING = 32
_ABORT_SECONDS = 0.5  # before the server cancels what still responds, and logs a traceback of each
_log = logging.getLogger("uvicorn.error")


def limited_protocol(
    limits: ConnectionLimits, *, new_id: Callable[[], str]
) -> Callable[..., asyncio.BufferedProtocol]:
    """Return a factory for ``uvicorn.Config(http=…)``; all its connections count together."""
    shared = _Shared(limits=limits, connections=OpenConnections(limits), new_id=new_id)
    return partial(_LimitedProtocol, shared)


@attrs.frozen(kw_only=True)
class _Shared:
    limits: ConnectionLimits
    connections: OpenConnections
    new_id: Callable[[], str]
    refused: set[asyncio.BaseProtocol] = attrs.field(factory=set)
    reads: Throttle = attrs.field(factory=Throttle)
    starts: Throttle = attrs.field(factory=Throttle)
    buffer: memoryview = attrs.field(factory=lambda: memoryview(bytearray(_MAX_READ_BYTES)))


class _LimitedProtocol(asyncio.BufferedProtocol):
    """A connection. It serves one request after the other, and reads no further until each is answered."""

    def __init__(
        self, shared: _Shared, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        if not config.loaded:
            config.load()
        self._shared = shared
        self._app = config.loaded_app
        self._keep_alive_seconds = config.timeout_keep_alive
        self._close_seconds = config.timeout_graceful_shutdown
        self._server_state = server_state
        self._app_state = app_state
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._flow: ScheduledFlowControl
        self._open_connection: OpenConnection
        self._deadlines: Deadlines
        self._client: tuple[str, int] | None = None
        self._server: tuple[str, int] | None = None
        self._is_counted = False
        self._ignores_input = False
        self._received = bytearray()
        self._searched_bytes = 0
        self._body = RequestBody(0)
        self._cycle: Cycle | None = None

    # ------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # it is for TCP
        self._transport = transport
        self._client = _address(transport, "peername")
        self._flow = ScheduledFlowControl(transport)
        reason = self._shared.connections.enter(self._peer)
        if reason is not None:
            self._ignores_input = True
            refusal = _refusal("unavailable", {"hint": reason}, self._shared.new_id(), "retry-after: 1")
            transport.write(refusal)
            if len(self._shared.refused) < _MAX_LINGERING:
                self._shared.refused.add(self)
                transport.write_eof()
                self._loop.call_later(_LINGER_SECONDS, transport.close)
            else:
                transport.close()
            return
        self._server = _address(transport, "sockname")
        self._open_connection = OpenConnection(transport)
        keep_alive_seconds = self._keep_alive_seconds
        self._deadlines = Deadlines(transport, self._shared.limits, keep_alive_seconds=keep_alive_seconds)
        self._server_state.connections.add(self)  # type: ignore[arg-type] # uvicorn lists its own protocols
        self._is_counted = True
        self._deadlines.start_head()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the one buffer of all connections, since it is emptied at once."""
        return self._shared.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self._ignores_input:
            self._received += self._shared.buffer[:nbytes]
            self._process()
        if self._is_receiving_body or self._ignores_input:
            self._flow.defer_reading()
            self._shared.reads.wait(self._flow.allow_reading)

    def eof_received(self) -> None:
        """Record what has arrived; the transport then closes."""
        if self._is_counted:
            self._open_connection.end(reset=False)
            self._deadlines.start_stall()

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.refused.discard(self)
        if not self._is_counted:
            return
        self._deadlines.stop("head", "keep alive", "stall")
        self._open_connection.end(reset=exc is not None)
        self._shared.connections.leave(self._peer)
        self._server_state.connections.discard(self)
        if self._cycle is not None:
            self._cycle.disconnect()
        self._flow.resume_writing()

    def pause_writing(self) -> None:
        if self._is_counted:
            self._flow.pause_writing()
            self._deadlines.start_stall()

    def resume_writing(self) -> None:
        if self._is_counted:
            self._deadlines.stop("stall")
            self._flow.resume_writing()
            if self._transport.is_closing():
                self._deadlines.start_stall()

    # ------------------------------------------------------------ called by uvicorn's server

    def shutdown(self) -> None:
        """Close after the current response, which a client that reads slowly does not get to the end."""
        if self._cycle is not None and self._is_serving:
            self._cycle.keep_alive = False
            if self._close_seconds is not None:
                self._loop.call_later(self._close_seconds - _ABORT_SECONDS, self._transport.abort)
        else:
            self._deadlines.close()

    # ------------------------------------------------------------ requests

    def _process(self) -> None:
        try:
            while self._received:
                if self._is_receiving_body:
                    self._take_body()
                elif self._is_serving:
                    self._flow.pause_reading()
                    break
                elif not self._take_head():
                    break
        except InvalidRequest as error:
            _log.warning("Invalid HTTP request received.")
            self._refuse(error.reason)
            return
        has_begun = self._received and not self._is_receiving_body and not self._is_serving
        if has_begun and not self._transport.is_closing():
            self._deadlines.start_head()  # which ended when the last head was complete

    @property
    def _is_receiving_body(self) -> bool:
        return not self._body.is_complete

    @property
    def _is_serving(self) -> bool:
        return self._cycle is not None and not self._cycle.response_complete

    def _take_head(self) -> bool:
        """Begin to serve a request; return False if its head is not complete."""
        length = find_head(self._received, self._searched_bytes)
        self._searched_bytes = 0 if length else len(self._received)
        if not length:
            return False
        head = parse_head(bytes(self._received[:length]))
        del self._received[:length]
        self._deadlines.stop()
        self._body = RequestBody(head.content_length)
        self._serve(head)
        return True

    def _take_body(self) -> None:
        cycle = self._cycle if self._is_serving else None
        content = bytearray() if cycle is None else cycle.body
        del self._received[: self._body.feed(self._received, content)]
        if cycle is not None:
            cycle.more_body = self._is_receiving_body
            cycle.message_event.set()
            if len(content) > HIGH_WATER_LIMIT:
                self._flow.pause_reading()

    def _serve(self, head: RequestHead) -> None:
        head.scope.update(server=self._server, client=self._client, state=self._app_state.copy())
        head.scope[CONNECTION] = self._open_connection
        cycle = self._cycle = Cycle(
            head,
            scope=head.scope,
            transport=self._transport,
            flow=self._flow,
            default_headers=self._server_state.default_headers,
            on_response=self._on_response_complete,
        )
        cycle.more_body = self._is_receiving_body
        if not cycle.more_body:
            cycle.message_event.set()

        def start() -> None:
            head.scope[BODY_ARRIVED] = not cycle.more_body
            task = self._loop.create_task(cycle.run_asgi(self._app))
            self._server_state.tasks.add(task)
            task.add_done_callback(self._server_state.tasks.discard)

        if head.scope["path"].startswith(_UNTHROTTLED_PREFIX):
            start()
        else:
            self._shared.starts.wait(start)

    def _on_response_complete(self) -> None:
        self._server_state.total_requests += 1
        if self._transport.is_closing():
            self._deadlines.start_stall()
            return
        self._deadlines.start_keep_alive()
        self._flow.resume_reading()
        if not self._is_receiving_body:
            self._process()

    # ------------------------------------------------------------ what is refused

    def _refuse(self, reason: Message) -> None:
        """Send what is wrong, and keep the connection open for a moment so that it arrives."""
        self._deadlines.stop()
        has_response = self._is_receiving_body  # it came early, or has begun
        if self._cycle is not None:
            has_response = self._cycle.has_begun if self._is_serving else has_response
            self._cycle.disconnect()
        if not has_response and not self._transport.is_closing():
            errors = {"errors": (Problem(field="request", reason=reason),)}
            self._transport.write(_refusal("validation_failed", errors, self._shared.new_id()))
        self._ignores_input = True  # unread bytes would cause a reset
        self._received.clear()
        self._flow.resume_reading()
        if self._transport.is_closing():
            return
        self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._deadlines.close)

    @property
    def _peer(self) -> str:
        """The peer's IP address; ``""`` for a Unix socket."""
        return "" if self._client is None else self._client[0]


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int] | None:
    """Return host and port; None for a Unix socket, or if the connection is gone already."""
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
