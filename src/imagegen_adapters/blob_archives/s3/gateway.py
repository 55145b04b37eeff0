"""The only way out to a bucket: obstore connects to a port of ours, and that to checked addresses.

obstore looks names up by itself, follows redirects with the credentials to any host, and has no time-out for
an upload that stands still. Behind this proxy it can do none of it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence

from imagegen_adapters.blob_archives.s3.proxied_request import RequestHead
from imagegen_adapters.blob_archives.s3.relay import CHUNK_BYTES, Peer, Relay
from imagegen_adapters.outbound.name_lookups import NameNotResolved
from imagegen_core.errors import UpstreamNotAllowed

CheckAddress = Callable[[str, int], Sequence[tuple[str, int]]]
"""Resolves host and port, checks every address and returns those to connect to, as (ip, port).

Called in a thread. Raises `NameNotResolved` or `UpstreamNotAllowed`; see `AddressGate.resolve_and_check`.
"""

_MAX_HEAD_BYTES = 64 * 1024
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gateway:
    """An HTTP proxy on loopback that connects to one host and port, for those who know its password.

    Args:
        host: the host of the endpoint.
        port: its port.
        check_address: resolves and checks the addresses to connect to; None connects without a check.
        connect_timeout: seconds to open a connection, for each address.
        idle_timeout: seconds without a byte in either direction after which a connection is cut.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        check_address: CheckAddress | None,
        connect_timeout: float,
        idle_timeout: float,
    ) -> None:
        self._host, self._port = host, port
        self._check_address = check_address
        self._connect_timeout, self._idle_timeout = connect_timeout, idle_timeout
        self._password = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.refusal: UpstreamNotAllowed | None = None
        """Why the last connection was not allowed; None once one is."""

    async def start(self) -> str:
        """Listen, and return the URL of the proxy."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://imagegen:{self._password}@127.0.0.1:{port}"

    def close(self) -> None:
        """Stop listening and cut every connection; requests in progress fail."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server calls this in a task
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ValueError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:  # by `close`: nobody awaits this task
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = RequestHead(await reader.readuntil(b"\r\n\r\n"))
        if not self._may_pass(head):
            writer.write(_FORBIDDEN)
            await writer.drain()
            return
        try:
            upstream = await self._connect()
        except (OSError, NameNotResolved, UpstreamNotAllowed) as error:
            self.refusal = error if isinstance(error, UpstreamNotAllowed) else None
            writer.write(_BAD_GATEWAY)
            await writer.drain()
            return
        self.refusal = None
        try:
            async with asyncio.timeout(self._idle_timeout) as deadline:
                relay = Relay(
                    client=Peer(reader=reader, writer=writer),
                    upstream=upstream,
                    may_pass=self._may_pass,
                    idle_timeout=self._idle_timeout,
                    deadline=deadline,
                )
                await relay.run(head)
        finally:
            upstream.writer.transport.abort()

    def _may_pass(self, head: RequestHead) -> bool:
        return head.address == (self._host, self._port) and head.has_password(self._password)

    async def _connect(self) -> Peer:
        """Connect to the first checked address that answers."""
        addresses: Sequence[tuple[str, int]] = [(self._host, self._port)]
        async with asyncio.timeout(self._connect_timeout):
            if self._check_address is not None:
                addresses = await asyncio.to_thread(self._check_address, self._host, self._port)
        error: OSError = ConnectionRefusedError()
        for ip, port in addresses:
            try:
                async with asyncio.timeout(self._connect_timeout):
                    reader, writer = await asyncio.open_connection(ip, port, limit=CHUNK_BYTES)
                    return Peer(reader=reader, writer=writer)
            except OSError as failure:  # TimeoutError is one
                error = failure
        raise error
