"""To which addresses names led a moment ago."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from imagegen_adapters.outbound.address_rules import IpAddress
from imagegen_adapters.outbound.resolving import NameLookups

_KEPT = 256


class NameMemory:
    """Looks a name up once for all who ask within some seconds, so that a hundred callers ask one question.

    Only for a judgement beforehand: whoever connects has to look again.

    Args:
        lookups: asks the name servers.
        seconds: how long an answer is kept, and that there was none.
        patience: seconds that a look-up may take, with the wait for its turn.
    """

    def __init__(self, lookups: NameLookups, *, seconds: float, patience: float) -> None:
        self._lookups = lookups
        self._seconds = seconds
        self._patience = patience
        self._known: OrderedDict[tuple[str, int], tuple[float, asyncio.Task[tuple[IpAddress, ...]]]] = (
            OrderedDict()
        )

    async def resolve(self, host: str, port: int) -> Sequence[IpAddress]:
        """Return every address of the host.

        Raises:
            NameNotResolved: there is none, or nobody can tell.
            TimeoutError: nobody could tell in time.
        """
        now = asyncio.get_running_loop().time()
        until, looking = self._known.get((host, port), (now, None))
        if looking is None or until <= now:
            looking = asyncio.create_task(self._look_up(host, port))
            looking.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may be nobody's
            self._known[host, port] = (now + self._seconds, looking)
            self._known.move_to_end((host, port))
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return await asyncio.shield(looking)

    async def _look_up(self, host: str, port: int) -> tuple[IpAddress, ...]:
        async with asyncio.timeout(self._patience):
            return await self._lookups.resolve(host, port)
