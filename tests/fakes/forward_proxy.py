"""A proxy on loopback: forwards plain HTTP, tunnels CONNECT, records its requests."""

import asyncio
import contextlib
from urllib.parse import urlsplit


class ForwardProxy:
    """``request_lines`` and ``heads`` (in lower case) are those of its requests."""

    def __init__(self):
        self.request_lines = []
        self.heads = []
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.authority = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exc):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._pass_on(reader, writer)
        writer.close()

    async def _pass_on(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, _, fields = head.partition("\r\n")
        method, target, version = line.split(" ")
        self.request_lines.append(f"{method} {target}")
        self.heads.append(head.lower())
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        from_upstream, to_upstream = await asyncio.open_connection(url.hostname, url.port or 80)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            answer = _pump(from_upstream, writer)
        else:
            forwarded = [
                f for f in fields.split("\r\n") if f and not f.lower().startswith(("proxy-", "connection:"))
            ]
            path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
            lines = [f"{method} {path} {version}", *forwarded, "Connection: close", "", ""]
            to_upstream.write("\r\n".join(lines).encode("latin-1"))
            answer = _last_answer(from_upstream, writer)
        try:
            await asyncio.gather(_pump(reader, to_upstream), answer)
        finally:
            to_upstream.close()


async def _last_answer(source, sink):
    """Pass an answer on and say that the connection ends with it, so that no client sends another one."""
    head = await source.readuntil(b"\r\n\r\n")
    sink.write(head.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n")
    await _pump(source, sink)


async def _pump(source, sink):
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()
