"""A proxy between client and service that cuts the first request of each client."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class CuttingProxy:
    """Forwards bytes, and closes both ends of a connection once the result of ``cut(request)`` is there.

    ``cut`` is asked with the whole request; None lets it pass. ``answer_bytes`` of the answer pass before
    the end.
    """

    def __init__(
        self, host: str, port: int, cut: Callable[[bytes], Awaitable[object] | None], answer_bytes: int = 0
    ):
        self._target = (host, port)
        self._cut = cut
        self._answer_bytes = answer_bytes
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            request = await self._request(reader)
            there_writer.write(request)
            breaking = self._cut(request)
            if breaking is None:
                await self._pass_all(reader, writer, there_reader, there_writer)
            else:
                await breaking
                writer.write(await there_reader.readexactly(self._answer_bytes))
                await writer.drain()
        for end in (writer, there_writer):
            end.close()

    async def _pass_all(self, reader, writer, there_reader, there_writer):
        ways = [_pass(reader, there_writer), _pass(there_reader, writer)]
        await asyncio.wait(map(asyncio.create_task, ways), return_when=asyncio.FIRST_COMPLETED)

    async def _request(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next(int(value) for name, _, value in lines if name == b"content-length")
        return head + await reader.readexactly(length)


async def _pass(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
