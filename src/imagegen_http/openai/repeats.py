"""Finds the task of a request that a client sends again, so that nobody pays twice.

The official clients send a request again after a time-out, a lost connection, a 429 or a 5xx. They say so
in ``x-stainless-retry-count`` but name no idempotency key, and two requests that are equal on purpose look
just like a request and its repeat, but for that number. So

- each first request (number 0) gets a key of its own that begins with the digest of what was sent. The key
  is stored in the transaction of its task: a repeat finds it after a kill, too;
- a repeat (number above 0) looks for the tasks that keys with this beginning made. It is given one that
  runs, or that ended within the last `MEMORY`, unless it failed in a way that makes a new try free and
  sensible;
- what this process knows beside helps to choose: a task that nobody waits for and whose answer nobody got
  comes first, a repeat of a request that was turned away (429, 503) before it had a task makes a new one,
  and a repeat waits until its first request is stored.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from imagegen_core.errors import Refusal
from imagegen_core.imagegen import ImageGen
from imagegen_core.tasks import Task, TaskStatus
from imagegen_http.openai.submissions import OPERATIONS

SCOPE = "v1-first"
"""Where the keys of first requests lie, apart from those that clients choose."""

MEMORY = timedelta(minutes=20)
"""The default time-out is 10 minutes, and there are two repeats."""

_TURNED_AWAY_SECONDS = 150.0
"""Longer than any Retry-After that the official clients obey."""

_REMEMBERED = 10_000

_REPEATED = frozenset({"queue_full", "unavailable", "insufficient_storage"})
"""Refusals that the official clients repeat."""


class Repeats:
    """What is known of first requests and their repeats; ``now`` in seconds, from any beginning."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._submitting: Counter[str] = Counter()
        self._submitted = asyncio.Condition()
        self._turned_away: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)
        self._waiting: Counter[str] = Counter()
        self._answered: dict[str, None] = {}

    @asynccontextmanager
    async def submitting(self, digest: str) -> AsyncIterator[None]:
        """Make repeats of this request wait, and remember if it is turned away."""
        self._submitting[digest] += 1
        try:
            yield
        except Refusal as error:
            if error.slug in _REPEATED:
                self._turned_away.append((self._now() + _TURNED_AWAY_SECONDS, digest))
            raise
        finally:
            _count_down(self._submitting, digest)
            async with self._submitted:
                self._submitted.notify_all()

    async def find(self, imagegen: ImageGen, digest: str) -> Task | None:
        """Return the task of the first request, or None when the repeat needs a new one."""
        async with self._submitted:
            await self._submitted.wait_for(lambda: not self._submitting[digest])
        if self._was_turned_away(digest):
            return None
        now, keys = imagegen.adapters.clock.now(), imagegen.adapters.idempotency_keys
        made = [
            task
            for operation in OPERATIONS
            for task in await keys.made(scope=f"{SCOPE}:{operation}", prefix=f"{digest}.", now=now)
            if not task.status.final or (_ends_a_repeat(task) and _age(task, now) <= MEMORY)
        ]
        return min(made, key=self._claims, default=None)

    @contextmanager
    def waiting(self, task_id: str) -> Iterator[None]:
        """Count one who waits for the task."""
        self._waiting[task_id] += 1
        try:
            yield
        finally:
            _count_down(self._waiting, task_id)

    def answered(self, task_id: str) -> None:
        """Remember that somebody got the task's answer, as far as can be seen from here."""
        self._answered[task_id] = None
        while len(self._answered) > _REMEMBERED:
            del self._answered[next(iter(self._answered))]

    def _claims(self, task: Task) -> tuple[bool, bool]:
        return task.task_id in self._answered, self._waiting[task.task_id] > 0

    def _was_turned_away(self, digest: str) -> bool:
        """Return whether one such request was turned away; each counts for one repeat."""
        now = self._now()
        while self._turned_away and self._turned_away[0][0] <= now:
            self._turned_away.popleft()
        found = next((entry for entry in self._turned_away if entry[1] == digest), None)
        if found is None:
            return False
        self._turned_away.remove(found)
        return True


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _ends_a_repeat(task: Task) -> bool:
    """Return whether a repeat of the request gets this end, rather than a new try."""
    failure = task.failure
    if task.status is not TaskStatus.FAILED or failure is None:
        return True
    return failure.possible_charge or not failure.retryable


def _age(task: Task, now: datetime) -> timedelta:
    return now - (task.completed_at or task.created_at)
