"""Passes bytes on between a client of the gateway and its upstream."""

import asyncio
from collections.abc import Callable

import attrs

from imagegen_adapters.blob_archives.s3.proxied_request import RequestHead

CHUNK_BYTES = 256 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@attrs.frozen(kw_only=True)
class Peer:
    """One end of a relay."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@attrs.frozen(kw_only=True)
class Relay:
    """Two ends, and how long both may be silent.

    Attributes:
        may_pass: says whether a request that follows on the same connection is let through.
        idle_timeout: seconds without a byte in either direction.
        deadline: ends the relay; each byte moves it.
    """

    client: Peer
    upstream: Peer
    may_pass: Callable[[RequestHead], bool]
    idle_timeout: float
    deadline: asyncio.Timeout

    async def run(self, head: RequestHead) -> None:
        """Pass bytes on in both directions until one side ends; ``head`` is of the first request."""
        if head.is_tunnel:
            self.client.writer.write(_ESTABLISHED)
        directions = {
            asyncio.ensure_future(self._pass_on(self.upstream, self.client)),
            asyncio.ensure_future(
                self._pass_on(self.client, self.upstream) if head.is_tunnel else self._pass_requests_on(head)
            ),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pass_on(self, source: Peer, target: Peer) -> None:
        while chunk := await source.reader.read(CHUNK_BYTES):
            await self._write(target, chunk)

    async def _pass_requests_on(self, head: RequestHead) -> None:
        while self.may_pass(head):
            self.upstream.writer.write(head.as_sent_to_origin())
            rest = head.body_bytes
            while rest:
                chunk = await self.client.reader.read(min(rest, CHUNK_BYTES))
                if not chunk:
                    return
                rest -= len(chunk)
                await self._write(self.upstream, chunk)
            head = RequestHead(await self.client.reader.readuntil(b"\r\n\r\n"))

    async def _write(self, target: Peer, chunk: bytes) -> None:
        target.writer.write(chunk)
        await target.writer.drain()
        self.deadline.reschedule(asyncio.get_running_loop().time() + self.idle_timeout)
