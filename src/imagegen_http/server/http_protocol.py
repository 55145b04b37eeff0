"""The protocol of a connection: HTTP/1.1 within our limits, for uvicorn's server on uvloop."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from imagegen_core.messages import Message
from imagegen_http.asgi.delivery import CONNECTION, OpenConnection
from imagegen_http.asgi.types import Receive, Scope, Send
from imagegen_http.guard.bodies import BODY_ARRIVED
from imagegen_http.server.chunked_body import ChunkedBody
from imagegen_http.server.connections import ConnectionLimits, OpenConnections
from imagegen_http.server.deadlines import Deadlines
from imagegen_http.server.read_scheduler import ReadScheduler, ScheduledFlowControl
from imagegen_http.server.request_head import InvalidRequest, RequestHead, find_head, parse_head
from imagegen_http.server.response import Response, bad_request, too_many_connections
from imagegen_http.server.start_scheduler import StartScheduler

_MAX_READ_BYTES = 32 * 1024
"""Read from a socket at once. So much of each connection is in memory before a budget counts it."""

_UNSCHEDULED_PREFIX = "/health"
_LINGER_SECONDS = 1.0

_MAX_LINGERING = 32
"""So many refused connections stay open for a moment, so that a client that is still sending reads why."""
_log = logging.getLogger("uvicorn.error")


def limited_protocol(
    limits: ConnectionLimits, *, new_id: Callable[[], str]
) -> type[asyncio.BufferedProtocol]:
    """Return a protocol class for ``uvicorn.Config(http=…)``; all its connections count together.

    ``new_id`` generates the request id of responses to input that is not HTTP.
    """
    shared = _Shared(limits=limits, connections=OpenConnections(limits), new_id=new_id)
    return type("LimitedProtocol", (_LimitedProtocol,), {"_shared": shared})


@attrs.frozen(kw_only=True)
class _Shared:
    limits: ConnectionLimits
    connections: OpenConnections
    new_id: Callable[[], str]
    refused: set[asyncio.BaseProtocol] = attrs.field(factory=set)
    reads: ReadScheduler = attrs.field(factory=ReadScheduler)
    starts: StartScheduler = attrs.field(factory=StartScheduler)
    buffer: memoryview = attrs.field(factory=lambda: memoryview(bytearray(_MAX_READ_BYTES)))


class _LimitedProtocol(asyncio.BufferedProtocol):
    """One connection. Its requests are served one after the other, however many arrive at once.

    The next head is not even looked at before the response is complete, and nothing is read meanwhile beyond
    what the last read has brought.
    """

    _shared: ClassVar[_Shared]

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._app = config.loaded_app
        self._keep_alive_seconds = config.timeout_keep_alive
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
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
        self._missing_bytes = 0
        self._chunks: ChunkedBody | None = None
        self._cycle: RequestResponseCycle | None = None
        self._response: Response | None = None

    # ------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # it is for TCP
        """Begin to read requests, or refuse one connection too many."""
        self._transport = transport
        self._client = _address(transport, "peername")
        self._flow = ScheduledFlowControl(transport)
        reason = self._shared.connections.enter(self._peer)
        if reason is not None:
            self._ignores_input = True
            transport.write(too_many_connections(reason, self._shared.new_id()))
            if len(self._shared.refused) < _MAX_LINGERING:
                self._shared.refused.add(self)
                transport.write_eof()
                self._loop.call_later(_LINGER_SECONDS, transport.close)
            else:
                transport.close()
            return
        self._server = _address(transport, "sockname")
        self._open_connection = OpenConnection(transport)
        self._deadlines = Deadlines(
            transport,
            self._shared.limits,
            keep_alive_seconds=self._keep_alive_seconds,
            loop=self._loop,
        )
        self._server_state.connections.add(self)  # type: ignore[arg-type] # uvicorn lists its own protocols
        self._is_counted = True
        self._deadlines.start_head()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read to: the same place for all connections, since it is emptied at once."""
        return self._shared.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        if not self._ignores_input:
            self._received += self._shared.buffer[:nbytes]
            self._process()
        if self._is_receiving_body or self._ignores_input:
            self._shared.reads.wait(self._flow)

    def eof_received(self) -> None:
        """Note what has arrived by now; the transport then closes."""
        if self._is_counted:
            self._open_connection.end(reset=False)
            self._deadlines.start_stall()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, and make room for another connection."""
        self._shared.refused.discard(self)
        if not self._is_counted:
            return
        self._deadlines.stop()
        self._deadlines.stop_stall()
        self._open_connection.end(reset=exc is not None)
        self._shared.connections.leave(self._peer)
        self._server_state.connections.discard(self)
        self._disconnect_cycle()
        self._flow.resume_writing()

    def pause_writing(self) -> None:
        """Let the application wait: the client does not read."""
        if self._is_counted:
            self._flow.pause_writing()
            self._deadlines.start_stall()

    def resume_writing(self) -> None:
        """Let the application go on."""
        if self._is_counted:
            self._deadlines.stop_stall()
            self._flow.resume_writing()
            if self._transport.is_closing():
                self._deadlines.start_stall()

    # ------------------------------------------------------------ called by uvicorn's server

    def shutdown(self) -> None:
        """Close once the request that is being served has its response."""
        if self._cycle is None or self._cycle.response_complete:
            self._deadlines.close()
        else:
            self._cycle.keep_alive = False

    # ------------------------------------------------------------ requests

    def _process(self) -> None:
        """Take as much of what was received as belongs to the present request, or begin the next one."""
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
        self._watch_head()

    def _watch_head(self) -> None:
        """Have a deadline exactly while a head has begun and is not complete."""
        if self._is_receiving_body or self._is_serving:
            return  # stopped when the head was complete
        if self._received and not self._transport.is_closing():
            self._deadlines.start_head()

    @property
    def _is_receiving_body(self) -> bool:
        return self._missing_bytes > 0 or self._chunks is not None

    @property
    def _is_serving(self) -> bool:
        return self._cycle is not None and not self._cycle.response_complete

    def _take_head(self) -> bool:
        """Begin to serve a request and return True, or return False if its head is not complete."""
        length = find_head(self._received, self._searched_bytes)
        self._searched_bytes = 0 if length else len(self._received)
        if not length:
            return False
        head = parse_head(bytes(self._received[:length]))
        del self._received[:length]
        self._deadlines.stop()
        cycle = self._serve(head)
        if head.content_length is None:
            self._chunks = ChunkedBody()
        else:
            self._missing_bytes = head.content_length
        if head.content_length == 0:
            self._end_body(cycle)
        return True

    def _take_body(self) -> None:
        cycle = self._cycle if self._is_serving else None
        content = bytearray() if cycle is None else cycle.body
        if self._chunks is None:
            taken_bytes = min(self._missing_bytes, len(self._received))
            content += memoryview(self._received)[:taken_bytes]
            self._missing_bytes -= taken_bytes
        else:
            taken_bytes = self._chunks.feed(self._received, content)
            if self._chunks.is_complete:
                self._chunks = None
        del self._received[:taken_bytes]
        if cycle is None:
            return
        if not self._is_receiving_body:
            self._end_body(cycle)
        cycle.message_event.set()
        if len(content) > HIGH_WATER_LIMIT:
            self._flow.pause_reading()

    def _end_body(self, cycle: RequestResponseCycle) -> None:
        cycle.more_body = False
        cycle.message_event.set()

    def _serve(self, head: RequestHead) -> RequestResponseCycle:
        cycle = self._cycle = RequestResponseCycle(
            scope=self._scope(head),  # type: ignore[arg-type] # ours is any mapping
            transport=self._transport,
            flow=self._flow,
            logger=_log,
            access_logger=_log,
            access_log=False,
            default_headers=self._server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=head.expects_continue,
            keep_alive=head.keep_alive,
            on_response=self._on_response_complete,
        )
        response = self._response = Response(head, cycle, self._transport)

        async def scheduled(scope: Scope, receive: Receive, send: Send) -> None:
            """Serve in turn; only ``/health`` does not wait."""
            if not scope["path"].startswith(_UNSCHEDULED_PREFIX):
                await self._shared.starts.admit()
            scope[BODY_ARRIVED] = not cycle.more_body
            await self._app(scope, receive, response.send)

        serving = cycle.run_asgi(scheduled)  # type: ignore[arg-type] # our types of ASGI are wider
        task = self._loop.create_task(serving)
        tasks = self._server_state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return cycle

    def _scope(self, head: RequestHead) -> Scope:
        return {
            **head.scope(),
            "server": self._server,
            "client": self._client,
            "state": self._app_state.copy(),
            CONNECTION: self._open_connection,
        }

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
        """Say what is wrong, and with a lingering close so that it arrives."""
        self._deadlines.stop()
        has_response = self._is_receiving_body  # it came early, or has begun
        if self._is_serving and self._response is not None:
            has_response = self._response.has_begun
        self._disconnect_cycle()
        if not has_response and not self._transport.is_closing():
            self._transport.write(bad_request(reason, self._shared.new_id()))
        self._close_lingering()

    def _disconnect_cycle(self) -> None:
        cycle = self._cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False  # it would be written although nothing may be any more
            cycle.message_event.set()

    def _close_lingering(self) -> None:
        """Close our side, discard input for a moment, then close: unread bytes would cause a reset."""
        self._ignores_input = True
        self._received.clear()
        self._flow.resume_reading()
        if self._transport.is_closing():
            return
        self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._deadlines.close)

    @property
    def _peer(self) -> str:
        """The peer's IP address; ``""`` for a Unix socket, which has only local peers."""
        return "" if self._client is None else self._client[0]


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int] | None:
    """Return host and port of an end of the connection; None for a Unix socket, or if it is gone already."""
    address = transport.get_extra_info(name)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
