"""From a host name to all its addresses, in the loop or in a thread of its own."""

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

from imagegen_adapters.outbound.address_rules import IpAddress

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.$", re.IGNORECASE)


class NameNotResolved(Exception):
    """No address is known for the name now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} does not resolve")


async def resolve(host: str, port: int) -> tuple[IpAddress, ...]:
    """Return every address of the host, in the order in which they should be tried.

    Raises:
        NameNotResolved: there is none, or nobody can tell.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            _queried(host), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(host) from error
    return _addresses(host, found)


def resolve_blocking(host: str, port: int, *, only_numbers: bool = False) -> tuple[IpAddress, ...]:
    """Return what `resolve` would; with ``only_numbers`` no name is looked up, so it answers at once.

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
