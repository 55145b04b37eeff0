"""The limits of open connections."""

import asyncio
import logging
import resource
import socket

import attrs
import pytest

from imagegen_http.errors import ServiceCode
from imagegen_http.guard.access import parse_network
from imagegen_http.server import server
from imagegen_http.server.connections import Acceptor, ConnectionLimits, OpenConnections, raise_file_limit

LIMITS = ConnectionLimits(per_peer=1, per_loopback_peer=2, in_total=4)


@pytest.mark.parametrize(
    ("addresses", "entered"),
    [
        (["192.0.2.1", "192.0.2.1"], [True, False]),
        (["192.0.2.1", "192.0.2.2"], [True, True]),
        (["127.0.0.1", "127.0.0.1", "127.0.0.1"], [True, True, False]),
        (["::1", "::1", "::1"], [True, True, False]),
        (["::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1"], [True, True, False]),
        (["::ffff:192.0.2.1", "192.0.2.1"], [True, False]),
        (["2001:db8::1", "2001:db8::2"], [True, False]),
        (["2001:db8:0:1::1", "2001:db8:0:2::1"], [True, True]),
        (["fe80::1%eth0", "fe80::2%eth0"], [True, False]),
        (["", "", ""], [True, True, False]),
        ([f"192.0.2.{n}" for n in range(5)], [True, True, True, True, False]),
    ],
)
def test_connections_are_counted_by_peer(addresses, entered):
    """A peer is an IPv4 address or an IPv6 /64; loopback may have more; all together have a limit."""
    connections = OpenConnections(LIMITS)

    assert entered == [connections.enter(address) is None for address in addresses]


def test_a_connection_that_ends_makes_room():
    """Leaving frees its place."""
    connections = OpenConnections(LIMITS)
    connections.enter("192.0.2.1")

    connections.leave("192.0.2.1")

    assert connections.enter("192.0.2.1") is None


def test_a_trusted_proxy_speaks_for_many():
    """Only the limit of all connections holds for it, by whichever form of its address."""
    limits = attrs.evolve(LIMITS, trusted_proxies=(parse_network("192.0.2.0/24"),))
    connections = OpenConnections(limits)

    reasons = [connections.enter(f"{form}192.0.2.1") for form in ("", "::ffff:", "", "", "")]

    assert [None, None, None, None, ServiceCode.CONNECTIONS_IN_TOTAL(limit=4)] == reasons


def test_a_refusal_names_the_settings_and_is_logged_once(caplog, monkeypatch):
    """The caller reads what the operator can change; the log has it once until a connection ends."""
    log = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(log, "handlers", [caplog.handler])  # whatever a server in this process made of it
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "disabled", False)
    connections = OpenConnections(LIMITS)
    connections.enter("192.0.2.1")

    reasons = {connections.enter("192.0.2.1") for _ in range(3)}
    connections.leave("192.0.2.1")
    again = [connections.enter("192.0.2.1") for _ in range(2)]

    assert {ServiceCode.CONNECTIONS_OF_AN_ADDRESS(limit=1)} == reasons == {again[1]}
    assert ["192.0.2.1"] * 2 == [record.args[0] for record in caplog.records]


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "in_total"),
    [
        (4096, 4096, None, 1024),
        (1024, 4096, 1280, 1024),
        (1024, resource.RLIM_INFINITY, 1280, 1024),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 1024),
        (256, 512, 512, 256),
        (64, 64, 64, 16),
    ],
)
def test_connections_leave_room_for_files(monkeypatch, soft, hard, raised, in_total):
    """The limit of open files is raised as far as possible; connections beyond it are not accepted."""
    soft_limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: soft_limits.append(limits[0]))

    limits = raise_file_limit(ConnectionLimits())

    assert (attrs.evolve(ConnectionLimits(), in_total=in_total), [raised]) == (limits, soft_limits or [None])


def test_a_free_port_is_shared_with_nobody():
    """Not even before this process listens, and with one that would share it."""
    with server._bind("127.0.0.1", 0) as own, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(own.getsockname())


class ClosedAtOnce(asyncio.Protocol):
    """A connection that the server closes first, so that its side of it stays for a minute."""

    def connection_made(self, transport):
        transport.close()


@pytest.mark.anyio
async def test_a_port_that_was_free_at_first_can_be_taken_again_at_once():
    """What is left of a connection keeps it from nobody who starts on it by its number."""
    with server._bind("127.0.0.1", 0) as listener:
        acceptor = Acceptor(listener, ClosedAtOnce)
        acceptor.start(backlog=8)
        address = listener.getsockname()
        reader, writer = await asyncio.open_connection(*address)
        assert b"" == await asyncio.wait_for(reader.read(), 30)
        writer.close()
        await writer.wait_closed()
        acceptor.close()

    with server._bind(*address) as again:
        assert address == again.getsockname()
