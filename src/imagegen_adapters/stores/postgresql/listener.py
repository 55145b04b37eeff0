"""Hints between nodes, by LISTEN and NOTIFY, that wake whoever waits for a change.

A lost hint loses nothing: waiters look every `POLL_SECONDS` anyway.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
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
                    own_pid = connection.get_server_pid()
                    await connection.add_listener(CHANNEL, partial(self._hear, own_pid))
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
