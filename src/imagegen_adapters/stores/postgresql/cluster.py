"""Nodes on one database: hints by LISTEN and NOTIFY, who is alive, and slots, first come first served.

A lost hint loses nothing: waiters look every `POLL_SECONDS` anyway.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_core.errors import StorageError

POLL_SECONDS = 1.0
"""How often a waiter looks without a hint."""

CHANNEL = "imagegen"

MAX_HINT_BYTES = 7_999
"""The largest payload of NOTIFY: https://www.postgresql.org/docs/current/sql-notify.html"""

_NOTIFY = "SELECT pg_notify($1, hint) FROM unnest($2::text[]) AS hint"

_SESSION = {
    "application_name": "imagegen listener",
    # Commits with NOTIFY are serialised for the whole server, and this one holds nothing worth a sync.
    "synchronous_commit": "off",
    # So that the server drops a dead node, whose unread notifications would fill its queue.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ListenerPolicy:
    """How soon a lost connection is noticed, and replaced.

    Each failed attempt doubles the pause from ``min_retry_seconds`` up to ``max_retry_seconds``. After a
    silence of ``ping_seconds`` the server must answer within ``answer_seconds``.
    """

    ping_seconds: float = 5.0
    answer_seconds: float = 5.0
    min_retry_seconds: float = 0.1
    max_retry_seconds: float = 3.0


DEFAULT_LISTENER_POLICY = ListenerPolicy()


class Listener:
    """A node's connection for sending and hearing hints, from `start` to `close`.

    A hint has a topic and a key. The empty key stands for all keys: it is heard after each connection, since
    hints were missed before. Hints of this node are heard at once, even without a connection.
    """

    def __init__(self, database: Database, policy: ListenerPolicy = DEFAULT_LISTENER_POLICY) -> None:
        self._database = database
        self._policy = policy
        self._hearers: dict[str, list[Callable[[str], object]]] = {}
        self._unsent: dict[str, None] = {}
        self._due = asyncio.Event()
        self._is_connected = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        """Call ``hearer`` with the key of each hint of the topic, on the event loop; it must not raise."""
        self._hearers.setdefault(topic, []).append(hearer)

    def notify(self, topic: str, key: str = "") -> None:
        """Send a hint about something committed; hints of the same moment are sent together."""
        self._tell(topic, key)
        if self._is_connected.is_set():
            hint = f"{topic} {key}"
            self._unsent[hint if len(hint.encode()) <= MAX_HINT_BYTES else f"{topic} "] = None
            self._due.set()

    def start(self) -> None:
        """Connect, and reconnect whenever that is necessary."""
        self._loop = asyncio.create_task(self._listen(), name="hints")

    async def connected(self) -> None:
        await self._is_connected.wait()

    async def close(self) -> None:
        """Disconnect; unsent hints are lost. A second call does nothing."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _listen(self) -> None:
        pause = self._policy.min_retry_seconds
        while not self._database.is_closed:
            try:
                async with self._database.own_connection(**_SESSION) as connection:
                    # Read now: a hint may still reach its hearers after the connection was closed.
                    await connection.add_listener(CHANNEL, partial(self._hear, connection.get_server_pid()))
                    connection.add_termination_listener(lambda _connection: self._due.set())
                    pause = self._policy.min_retry_seconds
                    self._is_connected.set()
                    for topic in self._hearers:
                        self._tell(topic, "")
                    await self._send(connection)
            except StorageError as error:
                if pause == self._policy.min_retry_seconds:  # once for each outage
                    _log.warning("hints of other nodes are missed", extra={"reason": str(error)})
            finally:
                self._is_connected.clear()
                self._unsent.clear()
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._policy.max_retry_seconds)

    async def _send(self, connection: Any) -> None:
        """Send what is due, or an empty batch after a silence, until that fails."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._policy.ping_seconds):
                    await self._due.wait()
            self._due.clear()
            hints, self._unsent = self._unsent, {}
            await connection.execute(_NOTIFY, CHANNEL, list(hints), timeout=self._policy.answer_seconds)

    def _hear(self, own_pid: int, _connection: Any, sender: int, _channel: str, hint: object) -> None:
        if sender != own_pid:  # those of this node were heard when they were sent
            topic, _, key = str(hint).partition(" ")
            self._tell(topic, key)

    def _tell(self, topic: str, key: str) -> None:
        for hearer in self._hearers.get(topic, ()):
            hearer(key)


# ---------------------------------------------------------------- who is alive, and slots

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
