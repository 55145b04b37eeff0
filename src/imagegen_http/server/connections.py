"""The limits of open connections, and how many there are of each peer."""

import ipaddress
import logging
import resource
from collections import Counter

import attrs

from imagegen_core.messages import Message
from imagegen_http.guard.forwarding import Network, is_within
from imagegen_http.problems.messages import ServiceCode

_MIN_CONNECTIONS = 16
_IPV6_SITE_BITS = 64
_log = logging.getLogger("uvicorn.error")


@attrs.frozen(kw_only=True)
class ConnectionLimits:
    """``head_seconds`` run from the opening (if reused, from the first byte) to the end of the head.

    A client that has not read what waits for it after ``stall_seconds`` loses its connection. Peers in
    ``trusted_proxies`` speak for many clients, so only ``in_total`` limits them.
    """

    head_seconds: float = 30.0
    stall_seconds: float = 60.0
    per_peer: int = 64
    per_loopback_peer: int = 512
    in_total: int = 1024
    trusted_proxies: tuple[Network, ...] = ()


class OpenConnections:
    """Counts connections by peer. IPv6 addresses count by their /64, which one household or machine owns."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._by_peer: Counter[str] = Counter()
        self._refused: set[str] = set()

    def enter(self, address: str) -> Message | None:
        """Count one more and return None, or return which limit is reached.

        It is logged once for each peer until one of the peer's connections ends.
        """
        limits, (peer, is_loopback) = self._limits, _peer(address)
        limit = max(limits.per_loopback_peer, limits.per_peer) if is_loopback else limits.per_peer
        if self._by_peer.total() >= limits.in_total:
            reason = ServiceCode.CONNECTIONS_IN_TOTAL(limit=limits.in_total)
        elif self._by_peer[peer] >= limit and not is_within(address, limits.trusted_proxies):
            reason = ServiceCode.CONNECTIONS_OF_AN_ADDRESS(limit=limit)
        else:
            self._by_peer[peer] += 1
            return None
        if peer in self._by_peer and peer not in self._refused:
            self._refused.add(peer)
            _log.warning("%s: %s", peer, reason)
        return reason

    def leave(self, address: str) -> None:
        """Count one less."""
        peer, _ = _peer(address)
        self._by_peer[peer] -= 1
        self._refused.discard(peer)
        if self._by_peer[peer] <= 0:
            del self._by_peer[peer]


def raise_file_limit(limits: ConnectionLimits, *, reserved_files: int = 256) -> ConnectionLimits:
    """Raise this process's limit of open files for all connections; return the limits that then fit.

    ``reserved_files`` stay free for the database, images and outgoing calls: a server that accepts
    connections until no file can be opened loses what it is working on.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed_files = limits.in_total + reserved_files
    if soft != resource.RLIM_INFINITY and soft < needed_files:
        soft = needed_files if hard == resource.RLIM_INFINITY else min(needed_files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed_files:
        return limits
    return attrs.evolve(limits, in_total=max(_MIN_CONNECTIONS, soft - reserved_files))


def _peer(address: str) -> tuple[str, bool]:
    """Return the key under which a peer is counted, and whether it is on this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address, True
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip), ip.is_loopback
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped), ip.ipv4_mapped.is_loopback
    if ip.is_loopback:
        return str(ip), True
    return str(ipaddress.IPv6Network((ip, _IPV6_SITE_BITS), strict=False)), False
