import asyncio
import ssl

import httpcore2
import httpx
import pytest

from imagegen_adapters.outbound.transport import PooledTransport, PoolLimits

pytestmark = pytest.mark.anyio


class BrokenStream(httpcore2.AsyncMockStream):
    """A connection whose closing fails."""

    async def aclose(self):
        raise OSError("gone")


class Backend(httpcore2.AsyncMockBackend):
    async def connect_tcp(self, *_args, **_kwargs):
        return BrokenStream([b"HTTP/1.1 200 OK\r\nx: ", b"a" * 33 * 1024, b"\r\ncontent-length: 9\r\n\r\n"])


async def test_a_refused_response_whose_connection_does_not_close_is_an_error_of_the_line():
    """It is one that a call knows, and the connection is free again."""
    slots = asyncio.Semaphore(1)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = PooledTransport(backend=Backend([]), tls=tls, slots=slots, limits=PoolLimits())

    with pytest.raises(httpx.TransportError):
        await transport.handle_async_request(httpx.Request("GET", "http://upstream.example/"))

    assert not slots.locked()
