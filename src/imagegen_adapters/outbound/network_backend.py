"""Opens connections for httpcore: resolve once, check every address, connect to a checked one.

The address replaces the name at socket level only, so the Host header, SNI and certificate check keep the
name, and no second look-up can return something that was not checked (DNS rebinding).
"""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import httpcore

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.address_rules import IpAddress, normalized
from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.name_lookups import NameLookups, NameLookupTimeout, NameNotResolved
from imagegen_adapters.outbound.socket_stream import SocketStream
from imagegen_core.errors import UpstreamNotAllowed

_MAX_ADDRESSES = 8


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """A network backend behind an `AddressGate`.

    Args:
        gate: checks each address before a socket is opened; its `UpstreamNotAllowed` propagates.
        connect_timeout: seconds for look-up and connection together, unless the request sets less.
        lookups: resolves names; shared by all backends.
    """

    def __init__(self, gate: AddressGate, *, connect_timeout: float, lookups: NameLookups) -> None:
        self._gate = gate
        self._lookups = lookups
        self._connect_timeout = connect_timeout

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a stream to one of the host's addresses, all of which passed the gate.

        Raises:
            UpstreamNotAllowed: one of them did not; nothing was sent to any.
            httpcore.ConnectError: the name does not resolve, or no address accepted the connection.
            httpcore.ConnectTimeout: it took too long.
        """
        loop = asyncio.get_running_loop()
        limit = self._connect_timeout if timeout is None else min(timeout, self._connect_timeout)
        deadline = loop.time() + limit
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._lookups.resolve(host, port)
        except NameNotResolved as error:
            raise httpcore.ConnectError(str(error)) from error
        except TimeoutError:
            raise httpcore.ConnectTimeout from NameLookupTimeout(host)
        self._gate.check_addresses(host, port, addresses)
        return await self._connect(addresses[:_MAX_ADDRESSES], port, deadline)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no provider is behind a local socket."""
        raise httpcore.ConnectError("local sockets are not used")

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)

    async def _connect(
        self,
        addresses: tuple[IpAddress, ...],
        port: int,
        deadline: float,
    ) -> httpcore.AsyncNetworkStream:
        """Try the addresses in turn, each with its share of the remaining time."""
        loop = asyncio.get_running_loop()
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for position, address in enumerate(addresses):
            share = max(0.001, (deadline - loop.time()) / (len(addresses) - position))
            try:
                stream = await SocketStream.connect(str(address), port, seconds=share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return await _checked_peer(stream, address)
        raise failure or httpcore.ConnectError("no address to connect to")


async def _checked_peer(
    stream: httpcore.AsyncNetworkStream, address: IpAddress
) -> httpcore.AsyncNetworkStream:
    """Return the stream after verifying the address at its other end; it closes a stream that it refuses."""
    peer = stream.get_extra_info("server_addr")
    if peer is not None and normalized(ip_address(str(peer[0]))) == normalized(address):
        return stream
    await stream.aclose()
    if peer is None:
        raise httpcore.ConnectError("the connection was closed at once")
    raise UpstreamNotAllowed(AddressCode.OTHER_ADDRESS())
