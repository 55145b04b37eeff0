"""Decides whether a connection to a host, a port and the addresses behind them is allowed."""

import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from imagegen_adapters.outbound.address_rules import IpAddress, is_metadata, non_public_reason, normalized
from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.name_lookups import numeric_addresses, resolve_blocking
from imagegen_core.config import parse_host_and_port
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.messages import Message

_NEVER_ALLOWED = (AddressCode.METADATA_SERVICE, AddressCode.UNSPECIFIED, AddressCode.THIS_SERVICE)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class AddressGate:
    """Allows public addresses and private ones the operator listed, never metadata services or ourselves.

    An entry is ``host:port`` (``[::1]:7860`` for IPv6). A listed name allows whatever the name and its
    subdomains resolve to, on that port; a listed address allows any name that resolves to it, on that
    port. ``localhost``, ``127.0.0.1`` and ``[::1]`` count as one entry.

    Raises:
        ValueError: an entry is not ``host:port``.
    """

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._allowed = frozenset(
            pair for entry in allow_private for pair in _loopback_aliases(*parse_entry(entry))
        )
        self._own_addresses: set[tuple[IpAddress, int]] = set()
        self._is_strict = False

    def public_only(self) -> "AddressGate":
        """Return a gate without allow-listed entries that shares this gate's view of our own addresses."""
        strict = AddressGate()
        strict._is_strict = True
        strict._own_addresses = self._own_addresses
        return strict

    def listens_on(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Set the ``(ip, port)`` pairs that this service listens on; they are refused even if listed."""
        self._own_addresses.clear()
        self._own_addresses.update((normalized(ip_address(host)), port) for host, port in addresses)

    def is_listed(self, host: str, port: int) -> bool:
        """Return whether the operator listed this name (or a parent domain) or this address."""
        name = canonical_host(host)
        if (name, port) in self._allowed or _is_address(name):
            return (name, port) in self._allowed
        parents = (name[i + 1 :] for i, char in enumerate(name) if char == ".")
        return any((p, port) in self._allowed and "." in p and not _is_address(p) for p in parents)

    def check_addresses(self, host: str, port: int, addresses: Sequence[IpAddress]) -> None:
        """Return if the connection is allowed.

        Raises:
            UpstreamNotAllowed: at least one of the addresses must not be called.
        """
        by_name = self.is_listed(host, port)
        for address in addresses:
            kind = self._refusal_reason(address, port, by_name=by_name)
            if kind is not None:
                error = UpstreamNotAllowed(AddressCode.NOT_PUBLIC(host=host, port=port, kind=kind()))
                error.hint = self._hint(kind, host, port)
                raise error

    def check_host(self, host: str, port: int) -> None:
        """Check a host that a proxy will resolve: literal addresses in any spelling, and localhost.

        Raises:
            UpstreamNotAllowed: it is an address that must not be called.
        """
        name = canonical_host(host)
        if name == "localhost" or name.endswith(".localhost"):
            self.check_addresses(host, port, (IPv4Address("127.0.0.1"),))
        self.check_addresses(host, port, numeric_addresses(host))

    def resolve_and_check(self, host: str, port: int) -> tuple[tuple[str, int], ...]:
        """Resolve the host, check every address and return them as ``(ip, port)`` to connect to.

        Connecting to the returned addresses, not to the name, leaves no second look-up that could answer
        differently. It blocks during the look-up: call it in a thread.

        Raises:
            NameNotResolved: the host has no address.
            UpstreamNotAllowed: at least one of the addresses must not be called.
        """
        addresses = resolve_blocking(host, port)
        self.check_addresses(host, port, addresses)
        return tuple((str(address), port) for address in addresses)

    def _hint(self, kind: AddressCode, host: str, port: int) -> Message:
        """Return what the operator can do about a refusal."""
        if self._is_strict or kind in _NEVER_ALLOWED:
            return AddressCode.NEVER_ALLOWED()
        return AddressCode.ALLOW_IT(entry=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

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
    """Return the host, in its canonical spelling, and the port of ``host:port``.

    Raises:
        ValueError: the entry has another form.
    """
    host, port = parse_host_and_port(entry)
    return canonical_host(host), port


@lru_cache(1024)
def canonical_host(host: str) -> str:
    """Return the host in lower case, without brackets and trailing dot; an address in its shortest form."""
    name = host.strip("[]").casefold().rstrip(".")
    try:
        return str(normalized(ip_address(name)))
    except ValueError:
        return name


def same_host(one: str, other: str) -> bool:
    """Return whether two spellings mean the same host; all loopback names are one host."""
    first, second = canonical_host(one), canonical_host(other)
    return first == second or (first in _LOOPBACK_NAMES and second in _LOOPBACK_NAMES)


def _loopback_aliases(host: str, port: int) -> tuple[tuple[str, int], ...]:
    names = _LOOPBACK_NAMES if host in _LOOPBACK_NAMES else (host,)
    return tuple((name, port) for name in names)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(address: IpAddress) -> bool:
    """Return whether a local interface has the address; connecting a UDP socket sends no packet."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IP versions
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return normalized(ip_address(probe.getsockname()[0])) == address
    except OSError:
        return False
