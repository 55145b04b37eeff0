"""Checks an address when it is saved and when a task is submitted; connecting checks it again."""

from urllib.parse import unquote, urlsplit

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.dns_cache import DnsCache
from imagegen_adapters.outbound.name_lookups import NameLookups, NameNotResolved
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.providers.addresses import WEB_PORTS

_MAX_LOOKUPS = 32
"""Separate from the look-ups for connections, because any caller can have names checked here."""


class OutboundGuard:
    """The `UpstreamGuard` over the gate that connections pass through.

    Args:
        gate: usually `Outbound.gate`.
        seconds: limit of one look-up; a slower name counts as not resolving. A submission may take that
            much longer while other callers have unresponsive names checked.
        cache_seconds: how long a resolved name is cached here.
        lookups: queries the name servers; its threads are not shared.
    """

    def __init__(
        self,
        gate: AddressGate,
        *,
        seconds: float = 2.0,
        cache_seconds: float = 5.0,
        lookups: NameLookups | None = None,
    ) -> None:
        self._gate = gate
        lookups = lookups or NameLookups(_MAX_LOOKUPS)
        self._names = DnsCache(lookups, seconds=cache_seconds, lookup_seconds=seconds)

    async def check(self, url: str) -> None:
        host, port = _host_and_port(url)
        for spelling in dict.fromkeys((host, unquote(host))):
            self._gate.check_host(spelling, port)
            try:
                addresses = await self._names.resolve(spelling, port)
            except (NameNotResolved, TimeoutError):
                continue
            self._gate.check_addresses(spelling, port, addresses)


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or WEB_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise UpstreamNotAllowed("the address is not an http(s) URL") from error
    if not parts.hostname:
        raise UpstreamNotAllowed("the address names no host")
    return parts.hostname, port
