"""Which addresses may be called: tables of private ones, name look-ups, the gate, and the guard of URLs.

The checks work on addresses, never on their spelling: glibc resolves ``2130706433``, ``0x7f.1`` and
``127.1`` to 127.0.0.1, which a check of the text would miss.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from imagegen_adapters.threads import DetachedThreads
from imagegen_core.config import WEB_PORTS, parse_host_and_port
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.messages import Message, MessageCode


class AddressCode(MessageCode, words="imagegen_adapters"):
    """Why an address may not be called."""


IpAddress = IPv4Address | IPv6Address

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, GCP, OpenStack, Huawei Cloud, …
            "169.254.169.253",  # AWS resolver
            "169.254.170.2",  # AWS ECS task credentials
            "169.254.170.23",  # AWS EKS pod identity
            "169.254.0.23",  # Tencent Cloud
            "169.254.42.42",  # Scaleway
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure wire server; a public address
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd00:ec2::253",  # AWS resolver
            "fd00:ec2::23",  # AWS EKS pod identity
            "fd20:ce::254",  # GCP
            "fd00:42::42",  # Scaleway
            "fe80::a9fe:a9fe",  # OpenStack
        ),
    )
)
"""Cloud metadata services, which hand out the machine's own credentials to any local caller."""

_V4_COMPATIBLE = IPv6Network("::/96")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_ISATAP_PREFIXES = (0x00005EFE, 0x02005EFE)

_SPECIAL: tuple[tuple[IPv4Network | IPv6Network, AddressCode], ...] = (
    # IANA's registry: `is_global` of Python before 3.11.9 and 3.12.4 has older tables.
    (IPv4Network("0.0.0.0/8"), AddressCode.UNSPECIFIED),
    (IPv4Network("127.0.0.0/8"), AddressCode.LOOPBACK),
    (IPv4Network("169.254.0.0/16"), AddressCode.LINK_LOCAL),
    (IPv4Network("100.64.0.0/10"), AddressCode.SHARED),
    (IPv4Network("192.0.0.0/24"), AddressCode.RESERVED),
    (IPv4Network("192.88.99.0/24"), AddressCode.RELAY_6TO4),
    (IPv4Network("198.18.0.0/15"), AddressCode.FOR_BENCHMARKS),
    (IPv4Network("224.0.0.0/4"), AddressCode.MULTICAST),
    (IPv4Network("240.0.0.0/4"), AddressCode.RESERVED),
    (IPv6Network("::/128"), AddressCode.UNSPECIFIED),
    (IPv6Network("::1/128"), AddressCode.LOOPBACK),
    *((network, AddressCode.BEHIND_NAT64) for network in _NAT64),
    (IPv6Network("100::/64"), AddressCode.BLACK_HOLE),
    (IPv6Network("2001::/32"), AddressCode.TEREDO_TUNNEL),
    (IPv6Network("2001::/23"), AddressCode.RESERVED),
    (IPv6Network("2001:db8::/32"), AddressCode.FOR_DOCUMENTATION),
    (IPv6Network("2002::/16"), AddressCode.TUNNEL_6TO4),
    (IPv6Network("3fff::/20"), AddressCode.FOR_DOCUMENTATION),
    (IPv6Network("5f00::/16"), AddressCode.FOR_SEGMENT_ROUTING),
    (IPv6Network("fc00::/7"), AddressCode.PRIVATE),
    (IPv6Network("fe80::/10"), AddressCode.LINK_LOCAL),
    (IPv6Network("fec0::/10"), AddressCode.SITE_LOCAL),
    (IPv6Network("ff00::/8"), AddressCode.MULTICAST),
)


def normalized(address: IpAddress) -> IpAddress:
    """Strip the zone; turn an IPv4-mapped or IPv4-compatible address into IPv4."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    without_zone = IPv6Address(int(address))
    if without_zone in _V4_COMPATIBLE and int(without_zone) > 1:
        return IPv4Address(int(without_zone))
    return without_zone


@lru_cache(1024)
def is_metadata(address: IpAddress) -> bool:
    """Whether the address leads to a cloud metadata service, also by translation or in a tunnel."""
    effective = normalized(address)
    inner: tuple[IPv4Address, ...] = ()
    if isinstance(effective, IPv6Address):
        if effective.sixtofour is not None:
            inner = (effective.sixtofour,)
        elif effective.teredo is not None:
            inner = effective.teredo
        elif any(effective in network for network in _NAT64) or _is_isatap(effective):
            inner = (IPv4Address(int(effective) & 0xFFFFFFFF),)
    return not METADATA.isdisjoint((effective, *inner))


@lru_cache(1024)
def non_public_reason(address: IpAddress) -> AddressCode | None:
    """Return why a caller's request must not reach an address, None for a public one.

    NAT64, 6to4, Teredo and ISATAP never count as public: some router decides where they lead.
    """
    if is_metadata(address):
        return AddressCode.METADATA_SERVICE
    effective = normalized(address)
    for network, kind in _SPECIAL:
        if effective.version == network.version and effective in network:
            return kind
    if isinstance(effective, IPv6Address) and _is_isatap(effective):
        return AddressCode.ISATAP_TUNNEL
    if effective.is_multicast or effective.is_reserved or not effective.is_global:
        return AddressCode.PRIVATE
    return None


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_PREFIXES


_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.$", re.IGNORECASE)


class NameNotResolved(Exception):
    """The name has no known address now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} does not resolve")


class NameLookupTimeout(Exception):
    """No name server answered in time."""


class NameLookups:
    """Resolves names in threads of its own; callers asking for the same name share its look-up.

    A name whose servers are down occupies one thread for half a minute, however many callers wait. Beyond
    ``max_lookups`` they queue.
    """

    def __init__(
        self, max_lookups: int, *, query: Callable[[str, int], tuple[IpAddress, ...]] | None = None
    ) -> None:
        self._threads = DetachedThreads("name-lookup", max_lookups)
        self._query = query or partial(_addresses, flags=0)
        self._running: dict[tuple[str, int], asyncio.Future[tuple[IpAddress, ...]]] = {}

    async def resolve(self, host: str, port: int) -> tuple[IpAddress, ...]:
        """Return every address of the host in the order to try them, or raise `NameNotResolved`."""
        if addresses := numeric_addresses(host):
            return addresses
        if (host, port) not in self._running:
            await self._threads.acquire()
            if (host, port) in self._running:  # another caller started the look-up while this one waited
                self._threads.release()
            else:
                self._begin(host, port)
        return await asyncio.shield(self._running[host, port])

    def _begin(self, host: str, port: int) -> None:
        try:
            lookup = self._threads.start(partial(self._query, host, port))
        except OSError as error:
            raise NameNotResolved(host) from error
        self._running[host, port] = lookup
        lookup.add_done_callback(lambda _: self._running.pop((host, port)))
        # Retrieve the exception: all callers may have left by then.
        lookup.add_done_callback(lambda future: future.cancelled() or future.exception())


def numeric_addresses(host: str) -> tuple[IpAddress, ...]:
    """Return the addresses that a host spells in numbers, as the system reads them; none for a name."""
    has_zone = "%" in host  # its interface may come and go
    return _read_numbers(host) if has_zone else _cached_numbers(host)


def _read_numbers(host: str) -> tuple[IpAddress, ...]:
    try:
        return _addresses(host, None, flags=socket.AI_NUMERICHOST)
    except NameNotResolved:
        return ()


_cached_numbers = lru_cache(1024)(_read_numbers)
"""Every call looks at its host's spelling at least twice, at 20 µs each."""


def _addresses(host: str, port: int | None, *, flags: int) -> tuple[IpAddress, ...]:
    # glibc would query a name server for ``127.0.0.1.``, which is a number.
    name = host[:-1] if _ENDS_IN_NUMBER.search(host) else host
    try:
        entries = socket.getaddrinfo(
            name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
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


_NEVER_ALLOWED = (AddressCode.METADATA_SERVICE, AddressCode.UNSPECIFIED, AddressCode.THIS_SERVICE)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class AddressGate:
    """Allows public addresses and private ones the operator listed, never metadata services or ourselves.

    An entry is ``host:port`` (``[::1]:7860`` for IPv6). A listed name allows whatever it and its subdomains
    resolve to, on that port; a listed address allows any name that resolves to it, on that port.
    ``localhost``, ``127.0.0.1`` and ``[::1]`` count as one entry.
    """

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        entries = map(parse_entry, allow_private)
        self._allowed = frozenset(
            (name, port)
            for host, port in entries
            for name in (_LOOPBACK_NAMES if host in _LOOPBACK_NAMES else (host,))
        )
        self._own_addresses: set[tuple[IpAddress, int]] = set()
        self._is_strict = False

    def public_only(self) -> "AddressGate":
        """Return a gate without an allow-list that shares this gate's view of our own addresses."""
        strict = AddressGate()
        strict._is_strict, strict._own_addresses = True, self._own_addresses
        return strict

    def listens_on(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Set the ``(ip, port)`` pairs that this service listens on; they are refused even if listed."""
        self._own_addresses.clear()
        self._own_addresses.update((normalized(ip_address(host)), port) for host, port in addresses)

    def is_listed(self, host: str, port: int) -> bool:
        """Whether the operator listed this name, a parent domain, or this address."""
        name = canonical_host(host)
        if (name, port) in self._allowed or _is_address(name):
            return (name, port) in self._allowed
        parents = (name[i + 1 :] for i, char in enumerate(name) if char == ".")
        return any((p, port) in self._allowed and "." in p and not _is_address(p) for p in parents)

    def check_addresses(self, host: str, port: int, addresses: Sequence[IpAddress]) -> None:
        """Raise `UpstreamNotAllowed` if at least one of the addresses must not be called."""
        by_name = self.is_listed(host, port)
        for address in addresses:
            if (kind := self._refusal_reason(address, port, by_name=by_name)) is not None:
                error = UpstreamNotAllowed(AddressCode.NOT_PUBLIC(host=host, port=port, kind=kind()))
                entry = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                error.hint = self._hint(kind, entry)
                raise error

    def _hint(self, kind: AddressCode, entry: str) -> Message:
        is_final = self._is_strict or kind in _NEVER_ALLOWED
        return AddressCode.NEVER_ALLOWED() if is_final else AddressCode.ALLOW_IT(entry=entry)

    def check_host(self, host: str, port: int) -> None:
        """Check a host that a proxy will resolve: literal addresses in any spelling, and localhost."""
        name = canonical_host(host)
        if name == "localhost" or name.endswith(".localhost"):
            self.check_addresses(host, port, (IPv4Address("127.0.0.1"),))
        self.check_addresses(host, port, numeric_addresses(host))

    def _refusal_reason(self, address: IpAddress, port: int, *, by_name: bool) -> AddressCode | None:
        if is_metadata(address):
            return AddressCode.METADATA_SERVICE
        effective = normalized(address)
        if effective.is_unspecified:
            return AddressCode.UNSPECIFIED
        if self._is_own_address(effective, port):
            return AddressCode.THIS_SERVICE
        if by_name or (str(effective), port) in self._allowed:
            return None
        return non_public_reason(address)

    def _is_own_address(self, address: IpAddress, port: int) -> bool:
        return any(
            port == own_port
            and (address == own or (own.is_unspecified and (address.is_loopback or _is_local(address))))
            for own, own_port in self._own_addresses
        )


def parse_entry(entry: str) -> tuple[str, int]:
    """Return canonical host and port of ``host:port``, or raise `ValueError`."""
    host, port = parse_host_and_port(entry)
    return canonical_host(host), port


@lru_cache(1024)
def canonical_host(host: str) -> str:
    """Return the host in lower case, without brackets and trailing dot; an address in its shortest form."""
    name = host.strip("[]").casefold().rstrip(".")
    return str(normalized(ip_address(name))) if _is_address(name) else name


def same_host(one: str, other: str) -> bool:
    """Compare two spellings; all loopback names are one host."""
    first, second = canonical_host(one), canonical_host(other)
    return first == second or (first in _LOOPBACK_NAMES and second in _LOOPBACK_NAMES)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(address: IpAddress) -> bool:
    """Whether a local interface has the address; connecting a UDP socket sends no packet."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP versions
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return normalized(ip_address(probe.getsockname()[0])) == address
    except OSError:
        return False


@lru_cache(256)
def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or WEB_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise UpstreamNotAllowed(AddressCode.ADDRESS_NOT_HTTP()) from error
    if not parts.hostname:
        raise UpstreamNotAllowed(AddressCode.ADDRESS_WITHOUT_HOST())
    return parts.hostname, port


_MAX_LOOKUPS = 32
"""Separate from the look-ups for connections, because any caller can have names checked here."""
_MAX_ENTRIES = 256


class OutboundGuard:
    """Checks an address when it is saved and when a task is submitted; connecting looks it up again.

    Look-ups and failures are kept for ``cache_seconds``, so that a hundred callers cause one query. One that
    takes longer than ``seconds``, its wait for a free thread included, counts as a name that does not
    resolve.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        seconds: float = 2.0,
        cache_seconds: float = 5.0,
        lookups: NameLookups | None = None,
    ) -> None:
        self._gate, self._lookups = gate, lookups or NameLookups(_MAX_LOOKUPS)
        self._seconds, self._cache_seconds = seconds, cache_seconds
        self._entries: dict[tuple[str, int], tuple[float, asyncio.Task[Sequence[IpAddress]]]] = {}

    async def check(self, url: str) -> None:
        """Raise `UpstreamNotAllowed` unless the host, as written and percent-decoded, may be called."""
        host, port = _host_and_port(url)
        for spelling in dict.fromkeys((host, unquote(host))):
            self._gate.check_host(spelling, port)
            self._gate.check_addresses(spelling, port, await self._addresses(spelling, port))

    async def _addresses(self, host: str, port: int) -> Sequence[IpAddress]:
        now = asyncio.get_running_loop().time()
        expires_at, lookup = self._entries.get((host, port), (now, None))
        if lookup is None or expires_at <= now:
            self._entries.pop((host, port), None)
            if len(self._entries) >= _MAX_ENTRIES:
                del self._entries[next(iter(self._entries))]
            lookup = asyncio.create_task(self._look_up(host, port))
            self._entries[host, port] = (now + self._cache_seconds, lookup)
        return await asyncio.shield(lookup)

    async def _look_up(self, host: str, port: int) -> Sequence[IpAddress]:
        with contextlib.suppress(NameNotResolved, TimeoutError):
            async with asyncio.timeout(self._seconds):
                return await self._lookups.resolve(host, port)
        return ()
