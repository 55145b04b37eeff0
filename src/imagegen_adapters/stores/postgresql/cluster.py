"""Places that nodes share, granted to those who have waited longest, and free when their node is dead."""

import asyncio
import itertools
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import attrs

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.listener import POLL_SECONDS, Listener
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


class PostgresqlNodes:
    """The ``nodes`` table; who has been silent for ``dead_after_seconds`` is dead.

    Beats that lie more than half of it apart are a gap: after a longer outage, nodes that are about to be
    heard again could look dead. For those who watch over the cluster, a node has the name of its
    ``host``, its ``roles`` and the ``version`` of its program.
    """

    def __init__(
        self,
        database: Database,
        *,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        host: str = "",
        roles: tuple[str, ...] = (),
        version: str = "",
    ) -> None:
        self._database = database
        self._dead_after = dead_after_seconds
        self._description = host, roles, version

    async def join(self, node: str) -> None:
        await self.beat(node)

    async def beat(self, node: str) -> None:
        await self._database.rows(_BEAT, node, self._dead_after, *self._description)

    async def alive(self, observer: str) -> frozenset[str]:
        rows = await self._database.rows(_ALIVE, observer, self._dead_after)
        return frozenset(row["node"] for row in rows)

    async def leave(self, node: str) -> None:
        await self._database.rows(_LEAVE, node)


class PostgresqlSlots:
    """Each provider is a resource with as many places as it takes calls."""

    def __init__(
        self, database: Database, listener: Listener, *, dead_after_seconds: float = DEAD_AFTER_SECONDS
    ) -> None:
        self._places = Places(database, listener, kind=CALLS, dead_after_seconds=dead_after_seconds)

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return self._places.hold(provider_name, node=node, capacity=limit)


class PostgresqlTurn:
    """A resource with one place."""

    def __init__(
        self, database: Database, listener: Listener, *, dead_after_seconds: float = DEAD_AFTER_SECONDS
    ) -> None:
        self._places = Places(database, listener, kind=TURN, dead_after_seconds=dead_after_seconds)

    def hold(self, node: str) -> AbstractAsyncContextManager[None]:
        return self._places.hold("maintenance", node=node, capacity=1)


ANSWER_SECONDS = 1.0
"""How long who asks waits for a yes; nodes that are alive take a tenth of it."""

_TURNS, _TURN_SECONDS = 8, 0.01
"""How often a node looks again before it says yes.

A busy node may hear the question before it reads what came earlier, such as the end of a caller's connection.
What has arrived is read at once, in any order; a few turns of the event loop later all that follows is there.
"""

_QUESTION, _YES = "question", "yes"


class PostgresqlPeers:
    """Asks all other nodes at once. None of them has to be known, and one that is dead says nothing."""

    def __init__(self, listener: Listener, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._listener = listener
        self._answer_seconds = answer_seconds
        self._answers: dict[str, Callable[[str], bool]] = {}
        self._questions: dict[str, asyncio.Event] = {}
        self._replies: set[asyncio.Task[None]] = set()
        listener.hear(_QUESTION, self._hear_question)
        listener.hear(_YES, self._hear_yes)

    def answer(self, question: str, is_so: Callable[[str], bool]) -> None:
        """Let this node answer a question of others about a subject; a question is one word."""
        self._answers[question] = is_so

    async def ask(self, question: str, subject: str) -> bool:
        """Return whether another node says yes; silence means no."""
        number = uuid.uuid4().hex
        heard = self._questions[number] = asyncio.Event()
        try:
            self._listener.notify(_QUESTION, f"{number} {question} {subject}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._answer_seconds):
                    await heard.wait()
            return heard.is_set()
        finally:
            del self._questions[number]

    def _hear_question(self, hint: str) -> None:
        number, _, text = hint.partition(" ")
        question, _, subject = text.partition(" ")
        is_so = self._answers.get(question)
        if is_so is not None and number not in self._questions:
            reply = asyncio.create_task(self._reply(number, is_so, subject))
            self._replies.add(reply)
            reply.add_done_callback(self._replies.discard)

    async def _reply(self, number: str, is_so: Callable[[str], bool], subject: str) -> None:
        for _ in range(_TURNS):
            if not is_so(subject):
                return
            await asyncio.sleep(_TURN_SECONDS)
        self._listener.notify(_YES, number)

    def _hear_yes(self, number: str) -> None:
        if number in self._questions:
            self._questions[number].set()
