"""Finds the task of a request that is sent again, so that nobody pays twice.

Clients send a request again by themselves: after a lost connection, a time-out of their own or of a gateway
on the way, a 5xx. Only OpenAI's own number their repeats in ``x-stainless-retry-count``, and LiteLLM, which
uses them, says 0 each time. A repeat looks just like an equal request on purpose. What became of the caller
before tells them apart: who got an answer, or still waits for one, does not ask for it again. So

- each request gets a key of its own that begins with the digest of what was sent. The key is stored in the
  transaction of its task, and marked when its caller has the answer: both outlast a kill;
- a task is *lost* when its key is not marked and nobody waits for it. After a kill that is each one whose
  answer was not sent. An equal request takes a lost task, one request one task, while it runs and for
  `MAX_RETRY_DELAY` after its end, unless it failed in a way that makes a new try free and sensible;
- a repeat that says so (number above 0) may also share a task that somebody waits for or has the answer of,
  for its first request may have been lost behind a gateway where nobody sees it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import takewhile

import attrs

from imagegen_core.errors import Refusal
from imagegen_core.imagegen import ImageGen
from imagegen_core.tasks.task import Task, TaskStatus

DERIVED_KEY_SCOPE = "v1-first"
"""Where the keys of requests lie, apart from those that clients choose."""

MAX_RETRY_DELAY = timedelta(minutes=10)
"""How long after its end a lost task waits for its caller: longer than any client takes to ask again."""

MAX_NUMBERED_RETRY_DELAY = timedelta(minutes=20)
"""The same for numbered repeats. The default time-out is 10 minutes, and there are two repeats."""

_REFUSAL_MEMORY_SECONDS = 150.0
"""Longer than any Retry-After that the official clients obey."""

_MAX_REMEMBERED = 10_000

_RETRIED_REFUSALS = frozenset({"queue_full", "unavailable", "insufficient_storage"})
"""Refusals that the official clients repeat."""


@attrs.define(kw_only=True, eq=False)
class Call:
    """A caller who waits.

    ``digest`` is of all that was sent, ``operations`` are those that it may mean, ``left`` ends when the
    caller has gone. ``key`` is of the task that the caller waits for, once it is known.
    """

    digest: str
    operations: tuple[str, ...]
    disconnect: "asyncio.Task[None]"
    key: str | None = None


class ClientRetries:
    """What is known of requests and their repeats; ``now`` in seconds, from any beginning."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._arriving: dict[Call, None] = {}
        self._arrived = asyncio.Condition()
        self._refusals: deque[tuple[float, str]] = deque(maxlen=_MAX_REMEMBERED)
        self._waiting: dict[str, set[Call]] = {}
        self._answered: dict[str, None] = {}

    @asynccontextmanager
    async def arriving(self, call: Call) -> AsyncIterator[None]:
        """Make later repeats of a request wait until it is known which task it gets, if any."""
        self._arriving[call] = None
        try:
            yield
        finally:
            del self._arriving[call]
            async with self._arrived:
                self._arrived.notify_all()

    @asynccontextmanager
    async def submitting(self, call: Call, key: str) -> AsyncIterator[None]:
        """Give a new request its key, and remember if it is turned away."""
        self._enter(call, key)
        try:
            yield
        except BaseException as error:
            self.leave(call)
            if isinstance(error, Refusal) and error.slug in _RETRIED_REFUSALS:
                self._refusals.append((self._now() + _REFUSAL_MEMORY_SECONDS, call.digest))
            raise

    async def claim(self, imagegen: ImageGen, call: Call, *, numbered: bool) -> Task | None:
        """Return the task whose answer this caller shall have, or None when a new one is needed.

        The caller then waits for it until `leave`. ``numbered``: the client says that it is a repeat.
        """
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._is_settled(call, numbered=numbered))
        if numbered and self._was_refused(call.digest):
            return None
        task = await self._claim_abandoned(
            imagegen, call, MAX_NUMBERED_RETRY_DELAY if numbered else MAX_RETRY_DELAY
        )
        return await self._share(imagegen, call) if task is None and numbered else task

    def answered(self, call: Call) -> None:
        """Remember that the caller got the answer, as far as can be seen from here."""
        if call.key is not None:
            self._remember(call.key)

    def leave(self, call: Call) -> None:
        """Count the caller as one who waits no more."""
        if call.key is not None:
            callers = self._waiting[call.key]
            callers.remove(call)
            if not callers:
                del self._waiting[call.key]
            call.key = None

    async def _claim_abandoned(self, imagegen: ImageGen, call: Call, max_delay: timedelta) -> Task | None:
        now, keys = imagegen.adapters.clock.now(), imagegen.adapters.idempotency_keys
        for operation in call.operations:
            scope, prefix, since = f"{DERIVED_KEY_SCOPE}:{operation}", f"{call.digest}.", now - max_delay
            for kept in await keys.unanswered(scope=scope, prefix=prefix, now=now, ended_since=since):
                if not self._is_abandoned(kept.key):
                    continue
                task = await imagegen.adapters.tasks.get(kept.task_id)
                if not _answers_a_retry(task):
                    self._remember(kept.key)
                elif self._is_abandoned(kept.key):  # nobody took it meanwhile
                    self._enter(call, kept.key)
                    return task
        return None

    async def _share(self, imagegen: ImageGen, call: Call) -> Task | None:
        """Return a task that somebody waits for, else one whose answer was sent."""
        now, keys = imagegen.adapters.clock.now(), imagegen.adapters.idempotency_keys
        made = [
            keyed
            for operation in call.operations
            for keyed in await keys.tasks_by_prefix(
                scope=f"{DERIVED_KEY_SCOPE}:{operation}", prefix=f"{call.digest}.", now=now
            )
            if _answers_a_retry(keyed.task) and _age(keyed.task, now) <= MAX_NUMBERED_RETRY_DELAY
        ]
        if not made:
            return None
        chosen = min(made, key=lambda keyed: (keyed.key in self._answered, keyed.key not in self._waiting))
        self._enter(call, chosen.key)
        return chosen.task

    def _is_settled(self, call: Call, *, numbered: bool) -> bool:
        """Return whether no caller before may have a task in a moment that this one should be given."""
        before = takewhile(lambda other: other is not call, self._arriving)
        return not any(
            other.digest == call.digest and (numbered or other.disconnect.done()) for other in before
        )

    def _is_abandoned(self, key: str) -> bool:
        """Return whether nobody has the answer and all who waited for it have gone."""
        return key not in self._answered and all(
            call.disconnect.done() for call in self._waiting.get(key, ())
        )

    def _enter(self, call: Call, key: str) -> None:
        call.key = key
        self._waiting.setdefault(key, set()).add(call)

    def _remember(self, key: str) -> None:
        self._answered[key] = None
        while len(self._answered) > _MAX_REMEMBERED:
            del self._answered[next(iter(self._answered))]

    def _was_refused(self, digest: str) -> bool:
        """Return whether one such request was turned away; each counts for one repeat."""
        now = self._now()
        while self._refusals and self._refusals[0][0] <= now:
            self._refusals.popleft()
        found = next((entry for entry in self._refusals if entry[1] == digest), None)
        if found is None:
            return False
        self._refusals.remove(found)
        return True


def _answers_a_retry(task: Task) -> bool:
    """Return whether a repeat of the request gets this task's end, rather than a new try."""
    failure = task.failure
    if task.status is not TaskStatus.FAILED or failure is None:
        return True
    return failure.possible_charge or not failure.retryable


def _age(task: Task, now: datetime) -> timedelta:
    """Return how long ago it ended; a task that goes on has no age."""
    return timedelta() if task.completed_at is None else now - task.completed_at
