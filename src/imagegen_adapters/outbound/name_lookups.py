"""From a host name to all its addresses, in threads that nothing else waits for."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any

from imagegen_adapters.detached_threads import DetachedThreads
from imagegen_adapters.outbound.address_rules import IpAddress

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.$", re.IGNORECASE)


class NameNotResolved(Exception):
    """No address is known for the name now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} does not resolve")


class NameLookupTimeout(Exception):
    """Nobody said in time whether the name has an address."""


class NameLookups:
    """Looks up names, each in a thread; who asks for one that is being looked up joins.

    A dead name keeps its thread until the system gives up, half a minute perhaps. It is one thread, however
    many ask for it, and none of those that other work is done in.

    Args:
        max_lookups: names at once; others wait.
        query: asks the system, or whatever a test has instead; blocks.
    """

    def __init__(
        self, max_lookups: int, *, query: Callable[[str, int], tuple[IpAddress, ...]] | None = None
    ) -> None:
        self._threads = DetachedThreads("name-lookup", max_lookups)
        self._query = query or resolve_blocking
        self._running: dict[tuple[str, int], asyncio.Future[tuple[IpAddress, ...]]] = {}

    async def resolve(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Return every address of the host, in the order in which they should be tried.

        Raises:
            NameNotResolved: there is none, or nobody can tell.
        """
        with contextlib.suppress(NameNotResolved):
            return resolve_blocking(host, port, only_numbers=True)
        if (host, port) not in self._running:
            await self._threads.acquire()
            self._begin(host, port)
        return await asyncio.shield(self._running[host, port])

    def _begin(self, host: str, port: int) -> None:
        if (host, port) in self._running:  # somebody else's turn came first
            self._threads.release()
            return
        try:
            looking = self._threads.start(partial(self._query, host, port))
        except OSError as error:
            raise NameNotResolved(host) from error
        self._running[host, port] = looking
        looking.add_done_callback(lambda _: self._running.pop((host, port)))
        looking.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be nobody's


def resolve_blocking(host: str, port: int, *, only_numbers: bool = False) -> tuple[IpAddress, ...]:
    """Return every address of the host; with ``only_numbers`` no name is looked up, so it answers at once.

    Raises:
        NameNotResolved: there is none, or nobody can tell.
    """
    flags = socket.AI_NUMERICHOST if only_numbers else 0
    try:
        found = socket.getaddrinfo(
            _queried(host), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
        )
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(host) from error
    return _addresses(host, found)


def _queried(host: str) -> str:
    """Return the name to ask for: ``127.0.0.1.`` is a number too, although glibc would ask a server."""
    return host[:-1] if _ENDS_IN_NUMBER.search(host) else host


def _addresses(host: str, found: Sequence[tuple[Any, ...]]) -> tuple[IpAddress, ...]:
    addresses = tuple(dict.fromkeys(_address(entry[4]) for entry in found))
    if not addresses:
        raise NameNotResolved(host)
    return addresses


def _address(sockaddr: tuple[Any, ...]) -> IpAddress:
    address = ip_address(str(sockaddr[0]))
    scope = sockaddr[3] if len(sockaddr) > 3 else 0  # noqa: PLR2004 - IPv6: (host, port, flow, scope)
    if isinstance(address, IPv6Address) and scope and not address.scope_id:
        return IPv6Address(f"{address}%{scope}")
    return address
