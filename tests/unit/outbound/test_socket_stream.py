"""The stream below a call: what arrives faster than it is read waits at the other side."""

import asyncio

from imagegen_adapters.outbound.socket_stream import SocketStream

PIECE = bytes(64 * 1024)
MAX_PIECES = 8


class Reading(asyncio.Transport):
    """A transport that knows whether it reads from its socket."""

    def __init__(self):
        super().__init__()
        self.reads = True

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True

    def is_closing(self):
        return False


async def test_a_peer_that_sends_faster_than_is_read_has_to_wait():
    """In the very call that brings too much: a loop may make many of them before anything else runs."""
    transport, stream = Reading(), SocketStream()
    stream.connection_made(transport)

    pieces = 0
    while transport.reads and pieces < 1000:
        stream.data_received(PIECE)
        pieces += 1
    read = [await stream.read(1) for _ in range(pieces)]

    assert pieces <= MAX_PIECES
    assert [PIECE] * pieces == read
    assert transport.reads
