"""A loopback server that counts its connections and sends the raw responses of a test.

    async with RawServer({"/a": b"HTTP/1.1 200 OK\\r\\n…"}) as server: ...

A value may also be a coroutine function that takes the writer. What has no row gets 200 and ``hello``.
"""

import asyncio
import contextlib


def http_response(status="200 OK", body=b"", *, length=None, **headers):
    """Return the bytes of a response; ``length`` replaces the correct length of the body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """``opened`` and ``most_open`` count connections, ``heads`` are the received request heads."""

    def __init__(self, responses=None, host="127.0.0.1", ssl=None):
        self.responses = responses or {}
        self.opened = self.open = self.most_open = 0
        self.heads = []
        self.changed = asyncio.Condition()
        self._host = host
        self._ssl = ssl
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.authority}"
        return self

    async def __aexit__(self, *_exc):
        self._server.close()
        for _ in range(5):  # iterations of the loop in which new connections get their handler, or end
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, condition):
        """Return when the condition holds; it is checked when a connection opens, sends or closes."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(condition)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.opened += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        # asyncio's own done-callback does not expect a cancelled handler
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                await self._tell()
                reply = self.responses.get(head.split(" ")[1], http_response(body=b"hello"))
                if callable(reply):
                    await reply(writer)
                else:
                    writer.write(reply)
                await writer.drain()
        self.open -= 1
        writer.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tell()

    async def _tell(self):
        async with self.changed:
            self.changed.notify_all()
