"""Resolves host names to all their addresses, in dedicated threads."""

import asyncio
import re
import socket
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address
from typing import Any

from imagegen_adapters.outbound.address_rules import IpAddress
from imagegen_adapters.threads.detached import DetachedThreads

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.$", re.IGNORECASE)


class NameNotResolved(Exception):
    """The name has no known address now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} does not resolve")


class NameLookupTimeout(Exception):
    """No name server answered in time."""


class NameLookups:
    """Resolves names, each in a thread; callers asking for a name that is being resolved share its look-up.

    A name whose servers are down occupies its thread until the system gives up, after half a minute or so:
    one thread for all its callers, and never one that other work needs.

    Args:
        max_lookups: names resolved at once; further ones wait.
        query: asks the system, or a test's substitute; blocks.
    """

    def __init__(
        self, max_lookups: int, *, query: Callable[[str, int], tuple[IpAddress, ...]] | None = None
    ) -> None:
        self._threads = DetachedThreads("name-lookup", max_lookups)
        self._query = query or resolve_blocking
        self._running: dict[tuple[str, int], asyncio.Future[tuple[IpAddress, ...]]] = {}

    async def resolve(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Return every address of the host, in the order in which to try them.

        Raises:
            NameNotResolved: it has none, or no name server answered.
        """
        if addresses := numeric_addresses(host):
            return addresses
        if (host, port) not in self._running:
            await self._threads.acquire()
            self._begin(host, port)
        return await asyncio.shield(self._running[host, port])

    def _begin(self, host: str, port: int) -> None:
        if (host, port) in self._running:  # another caller started the look-up while this one waited
            self._threads.release()
            return
        try:
            lookup = self._threads.start(partial(self._query, host, port))
        except OSError as error:
            raise NameNotResolved(host) from error
        self._running[host, port] = lookup
        lookup.add_done_callback(lambda _: self._running.pop((host, port)))
        # Retrieves the exception, since all callers may have left by then.
        lookup.add_done_callback(lambda future: future.cancelled() or future.exception())


def resolve_blocking(host: str, port: int) -> tuple[IpAddress, ...]:
    """Return every address of the host.

    Raises:
        NameNotResolved: it has none, or no name server answered.
    """
    return _addresses(host, port, flags=0)


def numeric_addresses(host: str) -> tuple[IpAddress, ...]:
    """Return the addresses that a host spells in numbers, as the system reads them; none if it is a name."""
    has_zone = "%" in host  # whose interface may come and go
    return _read_numbers(host) if has_zone else _cached_numbers(host)


def _read_numbers(host: str) -> tuple[IpAddress, ...]:
    try:
        return _addresses(host, None, flags=socket.AI_NUMERICHOST)
    except NameNotResolved:
        return ()


_cached_numbers = lru_cache(1024)(_read_numbers)
"""Every call looks at its host's spelling at least twice, at 20 µs each."""


def _queried(host: str) -> str:
    """Return the name to resolve: glibc would query a name server for ``127.0.0.1.``, which is a number."""
    return host[:-1] if _ENDS_IN_NUMBER.search(host) else host


def _addresses(host: str, port: int | None, *, flags: int) -> tuple[IpAddress, ...]:
    try:
        entries = socket.getaddrinfo(
            _queried(host), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
        )
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(host) from error
    addresses = tuple(dict.fromkeys(_address(entry[4]) for entry in entries))
    if not addresses:
        raise NameNotResolved(host)
    return addresses


def _address(sockaddr: tuple[Any, ...]) -> IpAddress:
    address = ip_address(str(sockaddr[0]))
    scope = sockaddr[3] if len(sockaddr) > 3 else 0  # noqa: PLR2004 - IPv6: (host, port, flow, scope)
    if isinstance(address, IPv6Address) and scope and not address.scope_id:
        return IPv6Address(f"{address}%{scope}")
    return address
