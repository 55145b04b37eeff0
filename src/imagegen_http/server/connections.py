"""Adds to uvicorn a deadline for request heads and a limit of open connections."""

import asyncio
import ipaddress
import json
import re
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from imagegen_core.messages import Language, Message
from imagegen_core.problems import Problem
from imagegen_http.asgi.delivery import CONNECTION, OpenConnection
from imagegen_http.asgi.types import App, Receive, Scope, Send
from imagegen_http.problems.error_table import envelope
from imagegen_http.problems.messages import RequestProblem
from imagegen_http.server.read_scheduler import ReadScheduler, ScheduledFlowControl
from imagegen_http.server.start_scheduler import StartScheduler

MAX_HEADER_BYTES = 32 * 1024
"""For ``uvicorn.Config(h11_max_incomplete_event_size=…)``."""


MAX_HEADERS = 100
"""A head with more lines is refused unparsed: 32 KiB of one-letter headers would take two megabytes."""

_MAX_TINY_CHUNKS = 256
_TINY_CHUNK = re.compile(rb"\r\n[0-9a-fA-F]{1,2}(?:;[^\r\n]*)?\r\n")
_HEAD_END = re.compile(rb"\n\r?\n")
_MAX_READ_BYTES = 32 * 1024
"""Read from a socket at once. So much of each connection is in memory twice before a budget counts it."""

_UNSCHEDULED_PREFIX = "/health"
_LINGER_SECONDS = 1.0
_MIN_CONNECTIONS = 16
_IPV6_SITE_BITS = 64
_BUSY_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


@attrs.frozen(kw_only=True)
class ConnectionLimits:
    """``head_seconds`` run from the opening (if reused, from the first byte) to the end of the head."""

    head_seconds: float = 30.0
    per_peer: int = 64
    per_loopback_peer: int = 512
    in_total: int = 1024


class OpenConnections:
    """Counts connections by peer. IPv6 addresses count by their /64, which one household or machine owns."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._by_peer: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more and return True, or return False if the limit is reached."""
        peer, is_loopback = _peer(address)
        limit = self._limits.per_loopback_peer if is_loopback else self._limits.per_peer
        if self._by_peer[peer] >= limit or self._by_peer.total() >= self._limits.in_total:
            return False
        self._by_peer[peer] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        peer, _ = _peer(address)
        self._by_peer[peer] -= 1
        if self._by_peer[peer] <= 0:
            del self._by_peer[peer]


def raise_file_limit(limits: ConnectionLimits, *, reserved_files: int = 256) -> ConnectionLimits:
    """Raise this process's limit of open files for all connections; return the limits that then fit.

    ``reserved_files`` stay free for the database, images and outgoing calls: a server that accepts
    connections until no file can be opened loses what it is working on.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed_files = limits.in_total + reserved_files
    if soft != resource.RLIM_INFINITY and soft < needed_files:
        soft = needed_files if hard == resource.RLIM_INFINITY else min(needed_files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed_files:
        return limits
    return attrs.evolve(limits, in_total=max(_MIN_CONNECTIONS, soft - reserved_files))


def limited_protocol(limits: ConnectionLimits, *, new_id: Callable[[], str]) -> type[H11Protocol]:
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
    reads: ReadScheduler = attrs.field(factory=ReadScheduler)
    starts: StartScheduler = attrs.field(factory=StartScheduler)


class _LimitedProtocol(H11Protocol):
    _shared: ClassVar[_Shared]
    flow: ScheduledFlowControl

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address: str | None = None
        self._ignores_input = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._received = b""
        self._open_connection: OpenConnection | None = None
        self.app = self._scheduled(self.app)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        address = _peer_address(transport)
        if not self._shared.connections.enter(address):
            self.transport = transport
            self._ignores_input = True
            transport.write(_BUSY_RESPONSE)
            transport.close()
            return
        self._address = address
        self._open_connection = OpenConnection(transport)
        transport.max_size = _MAX_READ_BYTES  # type: ignore[attr-defined] # asyncio's own takes 256 KiB at once
        super().connection_made(transport)
        self.flow = ScheduledFlowControl(transport)
        self._start_head_timer()

    def eof_received(self) -> None:
        if self._open_connection is not None:
            self._open_connection.end(reset=False)
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        if self._open_connection is not None:
            self._open_connection.end(reset=exc is not None)
        if self._address is not None:
            self._shared.connections.leave(self._address)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        self._received = data
        if self._has_tiny_chunks(data):
            self._refuse(RequestProblem.CHUNKS_TOO_SMALL())
            return
        super().data_received(data)
        self._received = b""
        self._update_head_timer()
        if self.conn.their_state is h11.SEND_BODY:
            self._shared.reads.wait(self.flow)

    def handle_events(self) -> None:
        """Refuse a head of too many lines before it is parsed."""
        if self.conn.their_state is h11.IDLE:
            head = _HEAD_END.split(self.conn.trailing_data[0], maxsplit=1)[0]
            if head.count(b"\n") > MAX_HEADERS:
                self._refuse(RequestProblem.TOO_MANY_HEADERS(maximum=MAX_HEADERS))
                return
        super().handle_events()

    def _has_tiny_chunks(self, data: bytes) -> bool:
        """Return whether a body has many chunks of a few bytes: each costs as much work as a large one."""
        if self.conn.their_state is not h11.SEND_BODY or len(data) < _MAX_TINY_CHUNKS:
            return False
        if not any(name == b"transfer-encoding" for name, _ in self.headers):
            return False
        return len(_TINY_CHUNK.findall(data)) > _MAX_TINY_CHUNKS

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._update_head_timer()

    def _scheduled(self, app: Any) -> App:
        """Return the application with its connection in the scope; only ``/health`` is not scheduled."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if self._open_connection is not None:
                scope[CONNECTION] = self._open_connection
            if not scope["path"].startswith(_UNSCHEDULED_PREFIX):
                await self._shared.starts.admit()
            await app(scope, receive, send)

        return serve

    def _should_upgrade(self) -> bool:
        """Ignore ``Upgrade``, as RFC 9110 allows, and serve plain HTTP: there are no websockets here."""
        return False

    def send_400_response(self, msg: str) -> None:
        """Respond to invalid HTTP with our own words."""
        encoded = self._received.partition(b"\r\n")[0].isascii()
        self._refuse(
            RequestProblem.NOT_AN_HTTP_REQUEST() if encoded else RequestProblem.ADDRESS_NOT_ENCODED()
        )

    def _refuse(self, reason: Message) -> None:
        """Say what is wrong, and with a lingering close so that it arrives."""
        self._stop_head_timer()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in _bad_request(reason, self._shared.new_id()):
                self.transport.write(self.conn.send(event))
        self._close_lingering()

    def _update_head_timer(self) -> None:
        """Run the timer exactly while a head has started and is not complete."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_head_timer()
        elif self._head_timer is None and self.conn.trailing_data[0] and not self.transport.is_closing():
            self._start_head_timer()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._shared.limits.head_seconds, self._on_head_timeout)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        self.transport.close()

    def _close_lingering(self) -> None:
        """Close our side, discard input for a moment, then close: unread bytes would cause a reset."""
        self._ignores_input = True
        self.flow.resume_reading()
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _bad_request(reason: Message, request_id: str) -> tuple[h11.Response, h11.Data, h11.EndOfMessage]:
    data = {"errors": (Problem(field="request", reason=reason),)}
    status, body = envelope("validation_failed", data, language=Language.ZH, request_id=request_id)
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    head = h11.Response(status_code=status, headers=headers, reason=b"Bad Request")
    return head, h11.Data(data=content), h11.EndOfMessage()


def _peer_address(transport: asyncio.Transport) -> str:
    """Return the peer's IP address; ``""`` for a Unix socket, which has only local peers."""
    name = transport.get_extra_info("peername")
    return str(name[0]) if isinstance(name, (tuple, list)) and name else ""


def _peer(address: str) -> tuple[str, bool]:
    """Return the key under which a peer is counted, and whether it is on this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address, True
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip), ip.is_loopback
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped), ip.ipv4_mapped.is_loopback
    if ip.is_loopback:
        return str(ip), True
    return str(ipaddress.IPv6Network((ip, _IPV6_SITE_BITS), strict=False)), False
