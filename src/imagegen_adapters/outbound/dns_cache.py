"""A short-lived cache of resolved names, for checks before a connection."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from imagegen_adapters.outbound.address_rules import IpAddress
from imagegen_adapters.outbound.name_lookups import NameLookups

_MAX_ENTRIES = 256


class DnsCache:
    """Resolves a name once for all callers within some seconds, so that a hundred callers cause one query.

    Only for checks in advance: whoever connects must resolve again, or a rebinding name would pass.

    Args:
        lookups: queries the name servers.
        seconds: how long a result is cached, failures included.
        lookup_seconds: limit of one look-up, including the wait for a free thread.
    """

    def __init__(self, lookups: NameLookups, *, seconds: float, lookup_seconds: float) -> None:
        self._lookups = lookups
        self._seconds = seconds
        self._lookup_seconds = lookup_seconds
        self._entries: OrderedDict[tuple[str, int], tuple[float, asyncio.Task[tuple[IpAddress, ...]]]] = (
            OrderedDict()
        )

    async def resolve(self, host: str, port: int) -> Sequence[IpAddress]:
        """Return every address of the host.

        Raises:
            NameNotResolved: it has none, or no name server answered.
            TimeoutError: the look-up took too long.
        """
        now = asyncio.get_running_loop().time()
        expires_at, lookup = self._entries.get((host, port), (now, None))
        if lookup is None or expires_at <= now:
            lookup = asyncio.create_task(self._look_up(host, port))
            # Retrieves the exception, since all callers may have left by then.
            lookup.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._entries[host, port] = (now + self._seconds, lookup)
            self._entries.move_to_end((host, port))
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)
        return await asyncio.shield(lookup)

    async def _look_up(self, host: str, port: int) -> tuple[IpAddress, ...]:
        async with asyncio.timeout(self._lookup_seconds):
            return await self._lookups.resolve(host, port)
