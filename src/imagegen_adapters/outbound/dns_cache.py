"""To which addresses names led a moment ago."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from imagegen_adapters.outbound.address_rules import IpAddress
from imagegen_adapters.outbound.name_lookups import NameLookups

_MAX_ENTRIES = 256


class DnsCache:
    """Looks a name up once for all who ask within some seconds, so that a hundred callers ask one question.

    Only for a judgement beforehand: whoever connects has to look again.

    Args:
        lookups: asks the name servers.
        seconds: how long an answer is kept, and that there was none.
        lookup_seconds: seconds that a look-up may take, with the wait for its turn.
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
            NameNotResolved: there is none, or nobody can tell.
            TimeoutError: nobody could tell in time.
        """
        now = asyncio.get_running_loop().time()
        until, looking = self._entries.get((host, port), (now, None))
        if looking is None or until <= now:
            looking = asyncio.create_task(self._look_up(host, port))
            looking.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be nobody's
            self._entries[host, port] = (now + self._seconds, looking)
            self._entries.move_to_end((host, port))
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)
        return await asyncio.shield(looking)

    async def _look_up(self, host: str, port: int) -> tuple[IpAddress, ...]:
        async with asyncio.timeout(self._lookup_seconds):
            return await self._lookups.resolve(host, port)
