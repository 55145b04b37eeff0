"""A TCP connection between a node and its database that can break in each way that networks break."""

import asyncio
import contextlib
import socket
import struct
import threading

import attrs

OPEN, CUT, STALLED, DEAF = "open", "cut", "stalled", "deaf"
"""``cut``: connections are reset, new ones too. ``stalled``: nothing comes through until it is healed.
``deaf``: requests come through, answers do not, so nobody knows what was committed."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER without waiting: closing sends a reset


@attrs.define
class Link:
    """A port on loopback that leads to ``target``, another one; used as a context."""

    target: int
    port: int = 0
    state: str = OPEN
    _writers: set = attrs.field(factory=set)
    _changed: asyncio.Condition = None
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.new_event_loop)
    _thread: threading.Thread = None
    _server: asyncio.Server = None

    def __enter__(self):
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def become(self, state):
        """Change the state of all connections, those to come included."""
        self._call(self._become(state))

    @contextlib.contextmanager
    def broken(self, state):
        """Break the connections while the body runs."""
        self.become(state)
        try:
            yield
        finally:
            self.become(OPEN)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self):
        self._changed = asyncio.Condition()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=128)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self):
        self._server.close()
        await self._become(CUT)
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def _become(self, state):
        async with self._changed:
            self.state = state
            self._changed.notify_all()
        if state == CUT:
            for writer in list(self._writers):
                _reset(writer)

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            if self.state == CUT:
                return
            await self._until(OPEN, DEAF)
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(server_writer)
            try:
                await asyncio.gather(
                    self._forward(reader, server_writer, OPEN, DEAF),
                    self._forward(server_reader, writer, OPEN),
                )
            finally:
                self._writers.discard(server_writer)
                _reset(server_writer)
        except OSError:
            pass  # it broke, as it should
        finally:
            self._writers.discard(writer)
            _reset(writer)

    async def _forward(self, reader, writer, *states):
        while data := await reader.read(65536):
            await self._until(*states)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _until(self, *states):
        async with self._changed:
            await self._changed.wait_for(lambda: self.state in (*states, CUT))
        if self.state == CUT:
            raise ConnectionResetError


def _reset(writer):
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
