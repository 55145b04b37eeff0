"""Hints between nodes, by LISTEN and NOTIFY: whoever waits for something is told when to look again.

A hint that is lost loses nothing: who waits looks every `POLL_SECONDS` anyway.
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
"""How often whoever waits looks without a hint."""

CHANNEL = "imagegen"

MAX_HINT_BYTES = 7_999
"""The largest payload of NOTIFY: https://www.postgresql.org/docs/current/sql-notify.html"""

_NOTIFY = "SELECT pg_notify($1, hint) FROM unnest($2::text[]) AS hint"

_SESSION = {
    "application_name": "imagegen listener",
    # Of commits, that of NOTIFY alone is serialised for the whole server, and it holds nothing worth a sync.
    "synchronous_commit": "off",
    # The server forgets a node that is cut off, which would fill its queue of notifications.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ListenerPolicy:
    """How soon a connection that was cut off is noticed, and replaced.

    Args:
        ping_seconds: the longest silence; then the server is asked for a sign of life.
        answer_seconds: the longest wait for it.
        min_retry_seconds: the pause before the first attempt to connect again; each doubles it.
        max_retry_seconds: the longest pause.
    """

    ping_seconds: float = 5.0
    answer_seconds: float = 5.0
    min_retry_seconds: float = 0.1
    max_retry_seconds: float = 3.0


DEFAULT_LISTENER_POLICY = ListenerPolicy()


class Listener:
    """One connection of a node, by which it sends hints and hears those of others, from `start` to `close`.

    A hint has a topic and a key. The empty key stands for all: it is heard after each connection, since hints
    were missed before. Hints of this node are heard at once, and also while there is no connection.
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
        """Call it with the key of each hint of the topic, on the event loop; it must not raise."""
        self._hearers.setdefault(topic, []).append(hearer)

    def notify(self, topic: str, key: str = "") -> None:
        """Send a hint; those of the same moment are sent together. What it is about is committed already."""
        self._tell(topic, key)
        if self._is_connected.is_set():
            hint = f"{topic} {key}"
            self._unsent[hint if len(hint.encode()) <= MAX_HINT_BYTES else f"{topic} "] = None
            self._due.set()

    def start(self) -> None:
        """Connect, and connect again whenever that is necessary."""
        self._loop = asyncio.create_task(self._listen(), name="hints")

    async def connected(self) -> None:
        await self._is_connected.wait()

    async def close(self) -> None:
        """Disconnect; hints that are not sent yet are lost. A second call does nothing."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _listen(self) -> None:
        pause = self._policy.min_retry_seconds
        while not self._database.is_closed:
            try:
                async with self._database.own_connection(**_SESSION) as connection:
                    # Asked now: a hint may still be on its way to its hearers when the connection is closed.
                    own_pid = connection.get_server_pid()
                    await connection.add_listener(CHANNEL, partial(self._hear, own_pid))
                    connection.add_termination_listener(lambda _connection: self._due.set())
                    pause = self._policy.min_retry_seconds
                    self._is_connected.set()
                    self._tell_all()
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
        """Send what is due, or nothing after a silence, until that fails."""
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

    def _tell_all(self) -> None:
        for topic in self._hearers:
            self._tell(topic, "")
