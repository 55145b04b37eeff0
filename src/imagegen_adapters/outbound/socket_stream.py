"""One TCP connection, or TLS on one, as httpcore reads and writes it."""

import asyncio
import contextlib
import select
import ssl
from collections import deque
from collections.abc import Iterator
from typing import Any, cast

import httpcore

_MAX_UNREAD_BYTES = 256 * 1024
"""What arrives while nobody reads; the peer has to wait with more."""


class SocketStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A TCP connection, or TLS on one, straight on the event loop's transport.

    httpcore's own streams take 64 KiB at a time, and go through anyio, which doubled what a short call costs.
    """

    def __init__(self, *, is_tls: bool = False) -> None:
        self._is_tls = is_tls
        self._transport: asyncio.Transport | None = None
        self._received: deque[bytes] = deque()
        self._unread_bytes = 0
        self._is_ended = False
        self._failure: Exception | None = None
        self._readable, self._writable = asyncio.Event(), asyncio.Event()
        self._writable.set()

    @classmethod
    async def connect(cls, address: str, port: int, *, seconds: float) -> "SocketStream":
        """Return a stream to a literal address.

        Raises:
            httpcore.ConnectError: it did not accept the connection.
            httpcore.ConnectTimeout: it took too long.
        """
        with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(seconds):
                _, stream = await asyncio.get_running_loop().create_connection(cls, address, port)
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what arrived first, be it over ``max_bytes``, or what arrives next; nothing at the end."""
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            if not self._readable.is_set():
                async with asyncio.timeout(timeout):
                    await self._readable.wait()
            if self._failure is not None and not self._received:
                raise ConnectionError("the connection broke") from self._failure
        piece = self._received.popleft() if self._received else b""
        if self._unread_bytes > _MAX_UNREAD_BYTES and not self._is_closing:
            self._connected.resume_reading()
        self._unread_bytes -= len(piece)
        if not self._received and not self._is_ended:
            self._readable.clear()
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send the bytes; the last of them may still be on their way to the socket when it returns."""
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            if self._is_closing:
                raise ConnectionError("the connection is closed") from self._failure
            self._connected.write(buffer)
            if not self._writable.is_set():
                async with asyncio.timeout(timeout):
                    await self._writable.wait()

    async def aclose(self) -> None:
        """Close the connection at once; nothing that is still to be sent counts any more.

        Whoever reads from it gets an error: what was cut off must not pass for a whole response.
        """
        if not self._is_ended:
            self._failure = ConnectionAbortedError("closed on this side")
        self._connected.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "SocketStream":
        """Return the stream of a TLS connection on this one, which is closed if there can be none."""
        stream = SocketStream(is_tls=True)
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                if self._received:
                    raise _spoke_first()
                async with asyncio.timeout(timeout):
                    stream._transport = await asyncio.get_running_loop().start_tls(
                        self._connected, stream, ssl_context, server_hostname=server_hostname
                    )
        except BaseException:  # cancelled too, nobody else can close it
            self._connected.abort()
            raise
        return stream

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for: ``ssl_object``, an address, or whether anything ``is_readable``."""
        if info == "is_readable":
            return self._readable.is_set() or self._has_unseen_bytes()
        name = {"client_addr": "sockname", "server_addr": "peername"}.get(info, info)
        return self._connected.get_extra_info(name)

    @property
    def _connected(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - `connect` and `start_tls` return connected streams
        return self._transport

    @property
    def _is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _has_unseen_bytes(self) -> bool:
        """Return whether the socket has bytes, or its end, that the event loop has not come to yet."""
        poll = select.poll()
        poll.register(self.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._unread_bytes += len(data)
        self._readable.set()
        if self._unread_bytes > _MAX_UNREAD_BYTES and not self._is_closing:
            self._connected.pause_reading()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._readable.set()
        return not self._is_tls  # what is still to be sent over TCP may be sent

    def connection_lost(self, exc: Exception | None) -> None:
        self._failure, self._is_ended = exc or self._failure, True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


@contextlib.contextmanager
def _mapped(too_late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """Turn the event loop's exceptions into httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise too_late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


def _spoke_first() -> ssl.SSLError:
    """Return OpenSSL's error for a server that sends plain text where its part of the handshake belongs."""
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, "the server does not speak TLS")
    error.reason = "WRONG_VERSION_NUMBER"
    return error
