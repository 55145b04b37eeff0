"""Checks an address when it is saved and when a task is submitted; connecting checks it again."""

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.dns_cache import DnsCache
from imagegen_adapters.outbound.name_lookups import NameLookups
from imagegen_adapters.upstream_guards.judgement import judge_url

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
        await judge_url(url, self._gate, self._names.resolve)
