"""The only way out to a bucket: obstore connects to a port of ours, and that to checked addresses.

obstore looks names up by itself, follows redirects with the credentials to any host, and has no time-out for
an upload that stands still. Behind this proxy it can do none of it.
"""

import asyncio
import base64
import contextlib
import hmac
import secrets
from collections.abc import Callable, Sequence

from imagegen_adapters.outbound.name_lookups import NameNotResolved
from imagegen_core.errors import UpstreamNotAllowed

CheckAddress = Callable[[str, int], Sequence[tuple[str, int]]]
"""Resolves host and port, checks every address and returns those to connect to, as (ip, port).

Called in a thread. Raises `NameNotResolved` or `UpstreamNotAllowed`; see `AddressGate.resolve_and_check`.
"""

_CHUNK_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


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
            upstream_reader, upstream = await self._connect()
        except (OSError, NameNotResolved, UpstreamNotAllowed) as error:
            self.refusal = error if isinstance(error, UpstreamNotAllowed) else None
            writer.write(_BAD_GATEWAY)
            await writer.drain()
            return
        self.refusal = None
        try:
            async with asyncio.timeout(self._idle_timeout) as deadline:
                await self._relay((reader, writer), (upstream_reader, upstream), head, deadline)
        finally:
            upstream.transport.abort()

    async def _relay(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        head: "RequestHead",
        deadline: asyncio.Timeout,
    ) -> None:
        """Pass bytes on in both directions until one side ends; each one moves the deadline."""

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while chunk := await reader.read(_CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
                deadline.reschedule(asyncio.get_running_loop().time() + self._idle_timeout)

        async def pass_requests_on(head: RequestHead) -> None:
            while self._may_pass(head):
                upstream[1].write(head.as_sent_to_origin())
                rest = head.body_bytes
                while rest:
                    chunk = await client[0].read(min(rest, _CHUNK_BYTES))
                    if not chunk:
                        return
                    rest -= len(chunk)
                    upstream[1].write(chunk)
                    await upstream[1].drain()
                    deadline.reschedule(asyncio.get_running_loop().time() + self._idle_timeout)
                head = RequestHead(await client[0].readuntil(b"\r\n\r\n"))

        if head.is_tunnel:
            client[1].write(_ESTABLISHED)
        directions = {
            asyncio.ensure_future(pass_on(upstream[0], client[1])),
            asyncio.ensure_future(
                pass_on(client[0], upstream[1]) if head.is_tunnel else pass_requests_on(head)
            ),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    def _may_pass(self, head: "RequestHead") -> bool:
        return head.address == (self._host, self._port) and head.has_password(self._password)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first checked address that answers."""
        addresses: Sequence[tuple[str, int]] = [(self._host, self._port)]
        async with asyncio.timeout(self._connect_timeout):
            if self._check_address is not None:
                addresses = await asyncio.to_thread(self._check_address, self._host, self._port)
        error: OSError = ConnectionRefusedError()
        for ip, port in addresses:
            try:
                async with asyncio.timeout(self._connect_timeout):
                    return await asyncio.open_connection(ip, port, limit=_CHUNK_BYTES)
            except OSError as failure:  # TimeoutError is one
                error = failure
        raise error


class RequestHead:
    """The head of a request to a proxy: for a tunnel (CONNECT), or with the whole URL in its first line.

    Raises:
        ValueError: it is neither.
    """

    def __init__(self, data: bytes) -> None:
        first, *self._headers = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self._method, target, self._version = first.split(" ")
        self.is_tunnel = self._method == "CONNECT"
        authority, self._path = target, ""
        if not self.is_tunnel:
            scheme, _, rest = target.partition("://")
            if scheme != "http":
                raise ValueError(scheme)
            authority, slash, path = rest.partition("/")
            self._path = f"{slash}{path}" or "/"
        host, colon, port = authority.rpartition(":")
        if not colon or host.endswith(":") or "]" in port:
            host, port = authority, "80"
        self.address = (host.strip("[]"), int(port))

    @property
    def body_bytes(self) -> int:
        """Return how many bytes follow the head."""
        if self._header("transfer-encoding"):
            raise ValueError("a body without a length")
        return int(self._header("content-length") or "0")

    def has_password(self, password: str) -> bool:
        """Return whether the request was made by who knows the proxy's password."""
        expected = "Basic " + base64.b64encode(f"imagegen:{password}".encode()).decode()
        return hmac.compare_digest(expected.encode(), self._header("proxy-authorization").encode())

    def as_sent_to_origin(self) -> bytes:
        """Return the head as the origin expects it: with the path alone, and without the proxy's password."""
        headers = [line for line in self._headers if not line.lower().startswith("proxy-")]
        lines = [f"{self._method} {self._path} {self._version}", *headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _header(self, name: str) -> str:
        for line in self._headers:
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""
