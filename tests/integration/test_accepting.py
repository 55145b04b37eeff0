"""Connections are accepted by a real server, many at a time, and again after files ran out."""

import asyncio
import errno
import os
import socket
from inspect import signature
from pathlib import Path

import pytest

from imagegen_http.server.connections import Acceptor, raise_file_limit

pytestmark = pytest.mark.anyio

CALLERS = 100
RESERVED_FILES = signature(raise_file_limit).parameters["reserved_files"].default


class Greeting(asyncio.Protocol):
    """Greets whoever connects."""

    def connection_made(self, transport):
        transport.write(b"hello")
        transport.close()


class Exhausted(socket.socket):
    """A listening socket for which no file is left the first time."""

    tries = 0

    def accept(self):
        self.tries += 1
        if self.tries == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


async def greetings(listener, number, **options):
    """Accept on a listening socket; return what so many callers get that were there before."""
    with listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(number)
        callers = [socket.create_connection(listener.getsockname()) for _ in range(number)]
        acceptor = Acceptor(listener, Greeting, **options)
        acceptor.start(number)
        loop, received = asyncio.get_running_loop(), []
        for caller in callers:
            with caller:
                caller.setblocking(False)
                received.append(await loop.sock_recv(caller, 100))
        acceptor.close()
        await acceptor.wait_closed()
        return received


async def test_all_who_wait_are_accepted():
    """However many have connected before."""
    assert [b"hello"] * CALLERS == await greetings(socket.socket(), CALLERS)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists the open files")
async def test_a_burst_of_refusals_opens_few_files_at_a_time():
    """The database and images keep theirs."""
    open_files = []

    class Listener(socket.socket):
        def accept(self):
            open_files.append(len(list(Path("/proc/self/fd").iterdir())))
            return super().accept()

    await greetings(Listener(), 3 * CALLERS, room=lambda: 0)

    assert max(open_files) - open_files[0] < RESERVED_FILES / 2


async def test_connections_are_accepted_again_after_files_ran_out():
    """Those who came meanwhile wait in the system's queue."""
    listener = Exhausted()

    assert [b"hello"] * 2 == await greetings(listener, 2, retry_seconds=0.0)
    assert listener.tries > 1


async def test_closing_while_files_are_short_ends_the_retries():
    """Nothing watches a socket that is closed."""
    listener = Exhausted()
    with listener, socket.socket() as caller:
        listener.bind(("127.0.0.1", 0))
        acceptor = Acceptor(listener, Greeting, retry_seconds=0.0)
        acceptor.start(1)
        caller.connect(listener.getsockname())
        while not listener.tries:  # noqa: ASYNC110 - the turns are what this is about
            await asyncio.sleep(0)
        acceptor.close()
        await asyncio.sleep(0)

    assert 1 == listener.tries
