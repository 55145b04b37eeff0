"""The stream below a call, by what its transport tells it."""

import asyncio

import httpcore2
import pytest

from imagegen_adapters.outbound.transport import SocketStream

pytestmark = pytest.mark.anyio

PIECE = bytes(64 * 1024)
MAX_PIECES = 8


class Reading(asyncio.Transport):
    """A transport that knows whether it reads from its socket."""

    def __init__(self):
        super().__init__()
        self.reads, self.is_aborted = True, False

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True

    def abort(self):
        self.is_aborted = True


@pytest.fixture
async def connected(anyio_backend):
    """Return a transport and the stream on it."""
    transport, stream = Reading(), SocketStream()
    stream.connection_made(transport)
    return transport, stream


async def test_a_peer_that_sends_faster_than_is_read_has_to_wait(connected):
    """In the very call that brings too much: a loop may make many of them before anything else runs."""
    transport, stream = connected

    pieces = 0
    while transport.reads and pieces < 1000:
        stream.data_received(PIECE)
        pieces += 1
    is_paused = not transport.reads
    read = await stream.read(1)

    assert is_paused
    assert pieces <= MAX_PIECES
    assert PIECE * pieces == read
    assert transport.reads


async def test_an_answer_that_came_before_the_connection_broke_is_read(connected):
    """A server that refuses a long request answers, and closes with the rest of it unread."""
    _, stream = connected
    stream.data_received(b"HTTP/1.1 413 ")
    stream.connection_lost(ConnectionResetError("reset"))

    with pytest.raises(httpcore2.WriteError):
        await stream.write(b"more")
    read = await stream.read(1)
    with pytest.raises(httpcore2.ReadError) as caught:
        await stream.read(1)

    assert (b"HTTP/1.1 413 ", ConnectionResetError) == (read, type(caught.value.__cause__))


async def test_what_came_before_tls_is_not_part_of_the_answer(connected):
    """Whoever sits on the way could put it there in plain text."""
    transport, stream = connected
    stream.data_received(b"HTTP/1.1 200 OK")

    with pytest.raises(httpcore2.ConnectError):
        await stream.start_tls(None)

    assert transport.is_aborted
