"""Accepts connections: many in one iteration of the event loop, where uvloop's own servers accept one."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable

import structlog
import uvicorn

_MAX_ACCEPTS_PER_ITERATION = 256
"""Each takes some 50 µs. With one, a supervisor would wait for each caller that connected before."""

_MIN_ACCEPTS_PER_ITERATION = 32
"""Accepted even where all are refused, since no more connections may be open."""

_REFUSAL_ITERATIONS = 3
"""For so long a refused connection has an open file, one of those reserved for the database and images."""

_RETRY_SECONDS = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_log = structlog.get_logger("imagegen.server")


class AcceptingServer(uvicorn.Server):
    """uvicorn's server with an `Acceptor` for each of the sockets.

    ``limit_concurrency`` of its configuration is the number of connections that the protocol leaves open.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve connections to ``sockets``."""
        await self.lifespan.startup()
        acceptors = [Acceptor(listener, self._protocol, room=self._room) for listener in sockets or []]
        for acceptor in acceptors:
            acceptor.start(self.config.backlog)
        self.servers = acceptors  # type: ignore[assignment] # of a server, uvicorn calls what these have
        self.started = True

    def _protocol(self) -> asyncio.BaseProtocol:
        return self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg] # as every class that uvicorn takes for `http`
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    def _room(self) -> int:
        limit = self.config.limit_concurrency
        open_connections = len(self.server_state.connections)
        return sys.maxsize if limit is None else limit - open_connections


class Acceptor:
    """Accepts the connections to one listening socket; ``protocol`` makes the protocol of each.

    ``room`` says how many more may be open; the protocol refuses the others, and few of them are accepted at
    a time.

    If no more files can be opened, it tries again after ``retry_seconds``; a server of uvloop may then stop
    for good.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        *,
        room: Callable[[], int] = lambda: sys.maxsize,
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self._listener = listener
        self._retry_seconds = retry_seconds
        self._protocol = protocol
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None

    def start(self, backlog: int) -> None:
        """Listen and accept from now on."""
        self._listener.setblocking(False)  # noqa: FBT003 - its signature
        self._listener.listen(backlog)
        self._watch()

    def close(self) -> None:
        """Accept no more; connections stay open."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Return at once; whoever closes a server waits for its connections otherwise."""

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
        _log.error("no connection can be accepted now", reason=error.strerror)
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(self._retry_seconds, self._watch)

    async def _connect(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the peer has gone already
            await self._loop.connect_accepted_socket(self._protocol, connection)
