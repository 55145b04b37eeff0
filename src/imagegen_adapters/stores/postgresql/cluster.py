"""Nodes on one database: who is alive, and slots, first come first served."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import attrs

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.listener import POLL_SECONDS, Listener
from imagegen_core.errors import StorageError

DEAD_AFTER_SECONDS = 60.0

_BEAT = """
WITH forgotten AS (
    DELETE FROM nodes WHERE node IN (
        SELECT node FROM nodes
        WHERE heard_at < now() - interval '1 day'
            AND node NOT IN (SELECT alive_nodes($1, make_interval(secs => $2)))
        FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO nodes AS known (node, heard_at, can_tell_from, host, roles, version)
VALUES ($1, now(), now() + make_interval(secs => $2), $3, $4, $5)
ON CONFLICT (node) DO UPDATE SET heard_at = greatest(known.heard_at, excluded.heard_at),
    can_tell_from = CASE WHEN known.heard_at < now() - make_interval(secs => $2) / 2
        THEN excluded.can_tell_from ELSE known.can_tell_from END
"""
_ALIVE = "SELECT alive_nodes($1, make_interval(secs => $2)) AS node"
_LEAVE = "DELETE FROM nodes WHERE node = $1"

_ASK = "SELECT is_granted, woken FROM ask_for_place($1, $2, $3, $4, make_interval(secs => $5))"
_FREE = "SELECT free_place($1, $2) AS token"
_PLACES_OF_NODES = "SELECT token, resource FROM places WHERE node = ANY($1::text[])"

_TOPIC = "places"

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class _Place:
    token: str
    resource: str
    node: str
    capacity: int
    hinted: asyncio.Event = attrs.field(factory=asyncio.Event, eq=False)


class PostgresqlCluster:
    """The ``nodes`` table, and slots; a node that is silent for ``dead_after_seconds`` is dead.

    For that time after a gap of half of it in its own beats, a node takes all for alive. Monitoring shows
    ``host``, ``roles`` and the program's ``version``.

    A slot is a row of ``places``. If a release fails, a task retries until every slot that this process no
    longer holds is released. So it does after each outage of the listener, since the server may have lost a
    commit.
    """

    def __init__(
        self,
        database: Database,
        listener: Listener,
        *,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        host: str = "",
        roles: tuple[str, ...] = (),
        version: str = "",
    ) -> None:
        self._database = database
        self._listener = listener
        self._dead_after = dead_after_seconds
        self._description = host, roles, version
        self._numbers = itertools.count(1)
        self._places: dict[str, _Place] = {}
        self._holders: set[str] = set()
        self._releases: set[asyncio.Task[None]] = set()
        self._cleaning: asyncio.Task[None] | None = None
        listener.hear(_TOPIC, self._hear_place)

    async def join(self, node: str) -> None:
        await self.beat(node)

    async def beat(self, node: str) -> None:
        await self._database.rows(_BEAT, node, self._dead_after, *self._description)

    async def alive(self, observer: str) -> frozenset[str]:
        rows = await self._database.rows(_ALIVE, observer, self._dead_after)
        return frozenset(row["node"] for row in rows)

    async def leave(self, node: str) -> None:
        await self._database.rows(_LEAVE, node)

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        self._listener.hear(topic, hearer)

    def tell(self, topic: str, key: str = "") -> None:
        self._listener.notify(topic, key)

    @asynccontextmanager
    async def slot(self, name: str, *, node: str, limit: int) -> AsyncIterator[None]:
        token = f"{name} {node} {next(self._numbers)}"
        place = _Place(token=token, resource=name, node=node, capacity=limit)
        self._holders.add(node)
        self._places[token] = place
        try:
            while not await self._ask(place):
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await place.hinted.wait()
            yield
        finally:
            del self._places[token]
            release = asyncio.create_task(self._free(token, name))
            self._releases.add(release)
            release.add_done_callback(self._releases.discard)
            await asyncio.shield(release)  # which goes on if the caller is cancelled meanwhile

    async def _ask(self, place: _Place) -> bool:
        """Ask for the slot; return whether it is granted."""
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

    def _hear_place(self, token: str) -> None:
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
                rows = await self._database.rows(_PLACES_OF_NODES, list(self._holders))
                # A holder is known here before there; in the other order, its row could be freed.
                for row in (row for row in rows if row["token"] not in self._places):
                    woken = await self._database.rows(_FREE, row["token"], row["resource"])
                    self._wake(each["token"] for each in woken)
                return
            await asyncio.sleep(POLL_SECONDS)
