"""Connections: how many may be open, how they are accepted, and when a late client loses its own."""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import resource
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable
from types import FrameType

import attrs
import structlog
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl

from imagegen_core.messages import Message
from imagegen_http.errors import ServiceCode
from imagegen_http.guard.access import Network, address_of, is_within

_MIN_CONNECTIONS = 16
_IPV6_SITE_BITS = 64
_log = logging.getLogger("uvicorn.error")
_server_log = structlog.get_logger("imagegen.server")


@attrs.frozen(kw_only=True)
class ConnectionLimits:
    """Peers in ``trusted_proxies`` speak for many clients, so only ``in_total`` limits them."""

    head_seconds: float = 30.0  # from the opening, or the first byte if reused, to the end of the head
    stall_seconds: float = 60.0  # a client that reads nothing for so long is disconnected
    per_peer: int = 64
    per_loopback_peer: int = 512
    in_total: int = 1024
    trusted_proxies: tuple[Network, ...] = ()


class OpenConnections:
    """Counts connections by peer. IPv6 addresses count by their /64, which one household or machine owns."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._by_peer: Counter[str] = Counter()
        self._refused: set[str] = set()

    def enter(self, address: str) -> Message | None:
        """Count one more, or return the limit reached; log it once until a connection of the peer ends."""
        limits, (peer, is_loopback) = self._limits, _peer(address)
        limit = max(limits.per_loopback_peer, limits.per_peer) if is_loopback else limits.per_peer
        if self._by_peer.total() >= limits.in_total:
            reason = ServiceCode.CONNECTIONS_IN_TOTAL(limit=limits.in_total)
        elif self._by_peer[peer] >= limit and not is_within(address, limits.trusted_proxies):
            reason = ServiceCode.CONNECTIONS_OF_AN_ADDRESS(limit=limit)
        else:
            self._by_peer[peer] += 1
            return None
        if peer in self._by_peer and peer not in self._refused:
            self._refused.add(peer)
            _log.warning("%s: %s", peer, reason)
        return reason

    def leave(self, address: str) -> None:
        peer, _ = _peer(address)
        self._by_peer[peer] -= 1
        self._refused.discard(peer)
        if self._by_peer[peer] <= 0:
            del self._by_peer[peer]


def raise_file_limit(limits: ConnectionLimits, *, reserved_files: int = 256) -> ConnectionLimits:
    """Raise the limit of open files for all connections; return the limits that then fit.

    ``reserved_files`` stay free: a server that can open no file loses what it is working on.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed_files = limits.in_total + reserved_files
    if soft != resource.RLIM_INFINITY and soft < needed_files:
        soft = needed_files if hard == resource.RLIM_INFINITY else min(needed_files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed_files:
        return limits
    return attrs.evolve(limits, in_total=max(_MIN_CONNECTIONS, soft - reserved_files))


def _peer(address: str) -> tuple[str, bool]:
    """Return the key under which a peer is counted, and whether it is on this machine."""
    ip = address_of(address)
    if ip is None:
        return address, True
    if ip.is_loopback or isinstance(ip, ipaddress.IPv4Address):
        return str(ip), ip.is_loopback
    return str(ipaddress.IPv6Network((ip, _IPV6_SITE_BITS), strict=False)), False


class ScheduledFlowControl(FlowControl):
    """uvicorn's flow control, which also pauses a connection until it may be read."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_deferred = False

    def defer_reading(self) -> None:
        self._is_deferred = True
        self._transport.pause_reading()

    def allow_reading(self) -> None:
        self._is_deferred = False
        if not self.read_paused:
            self._transport.resume_reading()

    def resume_reading(self) -> None:
        self.read_paused = False
        if not self._is_deferred:
            self._transport.resume_reading()


MAX_PER_ITERATION = 8  # a read of a body takes up to 1 ms, a request 0.3 ms until it first waits


class Throttle:
    """A queue of callbacks, of which each iteration of the event loop runs a few.

    While 400 callers upload, ``/health`` takes 20 to 50 ms instead of 50 to 450 (``benchmarks/uploads.py``).
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()

    def wait(self, go_on: Callable[[], object]) -> None:
        self._waiting.append(go_on)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        if len(self._waiting) > MAX_PER_ITERATION:
            asyncio.get_running_loop().call_soon(self._serve)
        for _ in range(min(MAX_PER_ITERATION, len(self._waiting))):
            self._waiting.popleft()()


@attrs.define(eq=False)
class Deadlines:
    """Closes a connection whose client is late, also with its next request."""

    _transport: asyncio.Transport
    _limits: ConnectionLimits
    _keep_alive_seconds: float
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop)
    _timers: dict[str, asyncio.TimerHandle] = attrs.field(factory=dict)

    def start_head(self) -> None:
        """Close unless the head is complete in time; a second call gives it no more time."""
        if "head" not in self._timers:
            self.stop()
            self._timers["head"] = self._loop.call_later(self._limits.head_seconds, self.close)

    def start_keep_alive(self) -> None:
        self._timers["keep alive"] = self._loop.call_later(self._keep_alive_seconds, self.close)

    def stop(self, *names: str) -> None:
        """Cancel these timers, or all that wait for a request."""
        for name in names or ("head", "keep alive"):
            if (timer := self._timers.pop(name, None)) is not None:
                timer.cancel()

    def close(self) -> None:
        """Close once everything is written."""
        self._transport.close()
        self.start_stall()

    def start_stall(self) -> None:
        """Abort after some time, if there is something to write."""
        if "stall" not in self._timers and self._transport.get_write_buffer_size():
            self._timers["stall"] = self._loop.call_later(self._limits.stall_seconds, self._transport.abort)


_MAX_ACCEPTS_PER_ITERATION = 256  # each takes some 50 µs
_MIN_ACCEPTS_PER_ITERATION = 32  # also where no more may be open and all are refused
_REFUSAL_ITERATIONS = 3  # in which a refused connection holds one of the reserved files
_RETRY_SECONDS = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class AcceptingServer(uvicorn.Server):
    """uvicorn's server with an `Acceptor` for each socket; ``limit_concurrency`` counts open connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        started: Callable[[], object] = lambda: None,
        signalled: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._started = started
        self._signalled = signalled

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._signalled()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        acceptors = [Acceptor(listener, self._protocol, room=self._room) for listener in sockets or []]
        for acceptor in acceptors:
            acceptor.start(self.config.backlog)
        self.servers = acceptors  # type: ignore[assignment] # of a server, uvicorn calls what these have
        self.started = True
        self._started()

    def _protocol(self) -> asyncio.BaseProtocol:
        return self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg] # as every class that uvicorn takes for `http`
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    def _room(self) -> int:
        limit = self.config.limit_concurrency
        return sys.maxsize if limit is None else limit - len(self.server_state.connections)


@attrs.define(eq=False)
class Acceptor:
    """Accepts many connections in one iteration of the event loop, where uvloop's own servers accept one.

    ``room`` says how many more may be open; the protocol refuses the others. If no file can be opened, it
    tries again after ``retry_seconds``, where a server of uvloop may stop for good.
    """

    _listener: socket.socket
    _protocol: Callable[[], asyncio.BaseProtocol]
    _room: Callable[[], int] = lambda: sys.maxsize
    _retry_seconds: float = _RETRY_SECONDS
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop)
    _connecting: set[asyncio.Task[None]] = attrs.field(factory=set)
    _retry: asyncio.TimerHandle | None = None

    def start(self, backlog: int) -> None:
        self._listener.setblocking(False)  # noqa: FBT003 - its signature
        self._listener.listen(backlog)
        # Its connections inherit it, and so do not keep the port from the next start.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._watch()

    def close(self) -> None:
        """Accept no more; connections stay open."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Return at once: uvicorn waits for the connections itself."""

    def _watch(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        room = (self._room() - len(self._connecting)) // _REFUSAL_ITERATIONS
        for _ in range(min(max(room, _MIN_ACCEPTS_PER_ITERATION), _MAX_ACCEPTS_PER_ITERATION)):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            connection.setblocking(False)  # noqa: FBT003 - its signature
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _pause(self, error: OSError) -> None:
        if error.errno not in _EXHAUSTED:
            raise error
        _server_log.error("no connection can be accepted now", reason=error.strerror)
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(self._retry_seconds, self._watch)

    async def _connect(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the peer has gone already
            await self._loop.connect_accepted_socket(self._protocol, connection)
