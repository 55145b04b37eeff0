"""Places that nodes share, granted to those who have waited longest, and free when their node is dead."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import attrs

from imagegen_adapters.databases.postgresql.database import Database
from imagegen_adapters.databases.postgresql.listener import POLL_SECONDS, Listener
from imagegen_core.errors import StorageError

_ASK = "SELECT is_granted, woken FROM ask_for_place($1, $2, $3, $4, make_interval(secs => $5))"

_FREE = "SELECT free_place($1, $2) AS token"

_PLACES_OF_NODES = """
SELECT token, resource FROM places WHERE node = ANY($1::text[]) AND starts_with(resource, $2)
"""

_TOPIC = "places"

TURN, CALLS = "turn", "calls"
"""The kinds of resources. A resource is named by its kind, a space, and its name among these."""

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class _Place:
    token: str
    resource: str
    node: str
    capacity: int
    hinted: asyncio.Event = attrs.field(factory=asyncio.Event, eq=False)


class Places:
    """The ``places`` of one kind of resources, for this process, which makes one of these for each kind.

    What ends here is freed for certain: where that fails, and where the server may have lost a commit, which
    cuts off the listener too, all places of this process that nobody holds are freed as soon as possible.
    """

    def __init__(
        self, database: Database, listener: Listener, *, kind: str, dead_after_seconds: float
    ) -> None:
        self._database = database
        self._listener = listener
        self._kind = f"{kind} "
        self._dead_after = dead_after_seconds
        self._numbers = itertools.count(1)
        self._places: dict[str, _Place] = {}
        self._nodes: set[str] = set()
        self._releases: set[asyncio.Task[None]] = set()
        self._cleaning: asyncio.Task[None] | None = None
        listener.hear(_TOPIC, self._hear)

    @asynccontextmanager
    async def hold(self, name: str, *, node: str, capacity: int) -> AsyncIterator[None]:
        """Wait until less than ``capacity`` places of the resource are held, and hold one for the body.

        Raises:
            StorageError: on entering: that is not known now.
        """
        resource = self._kind + name
        token = f"{resource} {node} {next(self._numbers)}"
        place = _Place(token=token, resource=resource, node=node, capacity=capacity)
        self._nodes.add(node)
        self._places[token] = place
        try:
            while not await self._ask(place):
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await place.hinted.wait()
            yield
        finally:
            del self._places[token]
            release = asyncio.create_task(self._free(token, resource))
            self._releases.add(release)
            release.add_done_callback(self._releases.discard)
            await asyncio.shield(release)  # which goes on if the caller is cancelled meanwhile

    async def _ask(self, place: _Place) -> bool:
        """Return whether the place is granted."""
        place.hinted.clear()
        values = (place.token, place.resource, place.node, place.capacity, self._dead_after)
        (row,) = await self._database.rows(_ASK, *values)
        self._wake(token for token in row["woken"] if token != place.token)
        return bool(row["is_granted"])

    async def _free(self, token: str, resource: str) -> None:
        try:
            rows = await self._database.rows(_FREE, token, resource)
        except StorageError as error:
            _log.warning("a place could not be freed yet", extra={"reason": str(error)})
            self._clean_up()
        else:
            self._wake(row["token"] for row in rows)

    def _wake(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            self._listener.notify(_TOPIC, token)

    def _hear(self, token: str) -> None:
        """Let those who wait look."""
        for place in self._places.values() if not token else filter(None, [self._places.get(token)]):
            place.hinted.set()
        if not token:
            self._clean_up()

    def _clean_up(self) -> None:
        if self._cleaning is None or self._cleaning.done():
            self._cleaning = asyncio.create_task(self._free_lost_places(), name="places")

    async def _free_lost_places(self) -> None:
        while not self._database.is_closed:
            with suppress(StorageError):
                rows = await self._database.rows(_PLACES_OF_NODES, list(self._nodes), self._kind)
                # Who asks is known here before there: compared in the other order, it could be freed.
                for row in (row for row in rows if row["token"] not in self._places):
                    woken = await self._database.rows(_FREE, row["token"], row["resource"])
                    self._wake(each["token"] for each in woken)
                return
            await asyncio.sleep(POLL_SECONDS)
