"""Match a client's retry with the task of its first request, so that nobody pays twice.

Clients retry after a lost connection, a 5xx or a time-out. Only OpenAI's own number their retries, in
``x-stainless-retry-count``; LiteLLM always sends 0. So a retry looks like an equal request made on purpose.
The earlier caller tells them apart: one that has its response, or still waits, has no reason to retry.

- Each request gets a key that begins with its digest. It is committed in its task's transaction, and marked
  as answered once the caller has the response. Both survive a kill.
- A task is *abandoned* if its key is not marked and nobody waits for it, as are all undelivered ones after a
  kill. One equal request claims it, while it runs or within `MAX_RETRY_DELAY` of its end, unless it failed
  and a new attempt is free and sensible.
- Each node knows only its own callers, so the others are asked before a claim. One that does not answer
  may be dead: then the task is claimed rather than paid for again.
- A numbered retry (above 0) may also share a task that somebody waits for or that was answered: a gateway
  may have lost its first request, which we cannot see.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import takewhile

import attrs

from imagegen_core.errors import Refusal, Unavailable
from imagegen_core.imagegen import ImageGen
from imagegen_core.ports.cluster import Cluster
from imagegen_core.ports.tasks import AddedTask
from imagegen_core.task import Task, TaskStatus
from imagegen_http.errors import ServiceCode

DERIVED_KEY_SCOPE = "v1-first"
"""The scope of derived keys, apart from those that clients send."""

MAX_RETRY_DELAY = timedelta(minutes=10)
"""How long after its end an abandoned task can be claimed; clients retry sooner."""

MAX_NUMBERED_RETRY_DELAY = timedelta(minutes=20)
"""For numbered retries: official clients time out after 10 minutes and retry twice."""

_REFUSAL_MEMORY_SECONDS = 150.0
"""Longer than any Retry-After that official clients obey."""

_QUESTION, _YES = "question", "yes"
"""Topics between nodes: did somebody there get the response of this key's task, or does he wait for it?"""

_ANSWER_SECONDS = 1.0
"""How long to wait for a yes; live nodes take a tenth of it."""

_TURNS, _TURN_SECONDS = 8, 0.01
"""Looks before saying yes: a busy node may hear the question before a disconnect that came earlier."""

_MAX_REMEMBERED = 10_000
"""Entries of each kind in memory; the oldest go first."""

_RETRIED_REFUSALS = frozenset({"queue_full", "unavailable", "insufficient_storage"})
"""Refusals after which official clients retry."""


@attrs.define(kw_only=True, eq=False)
class Call:
    """A request whose caller waits; ``digest`` identifies its content, ``operations`` are possible ones.

    ``disconnect`` ends when the caller disconnects; ``key`` is that of the task, once it is known.
    """

    digest: str
    operations: tuple[str, ...]
    disconnect: "asyncio.Task[None]"
    key: str | None = None


class Peers:
    """Asks all other nodes at once; a dead one is silent, and without a cluster there are none."""

    def __init__(self, cluster: Cluster | None = None, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._cluster = cluster
        self._answer_seconds = answer_seconds
        self._is_so: Callable[[str], bool] = lambda _: False
        self._questions: dict[str, asyncio.Event] = {}
        self._replies: set[asyncio.Task[None]] = set()
        if cluster is not None:
            cluster.hear(_QUESTION, self._hear_question)
            cluster.hear(_YES, self._hear_yes)

    def answer(self, is_so: Callable[[str], bool]) -> None:
        """Set how this node answers questions about a key."""
        self._is_so = is_so

    async def ask(self, key: str) -> bool:
        """Return whether another node says yes; silence means no."""
        if self._cluster is None:
            return False
        number = uuid.uuid4().hex
        heard = self._questions[number] = asyncio.Event()
        try:
            self._cluster.tell(_QUESTION, f"{number} {key}")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._answer_seconds):
                    await heard.wait()
            return heard.is_set()
        finally:
            del self._questions[number]

    def _hear_question(self, hint: str) -> None:
        number, _, key = hint.partition(" ")
        if number and number not in self._questions:
            reply = asyncio.create_task(self._reply(number, key))
            self._replies.add(reply)
            reply.add_done_callback(self._replies.discard)

    async def _reply(self, number: str, key: str) -> None:
        for _ in range(_TURNS):
            if not self._is_so(key):
                return
            await asyncio.sleep(_TURN_SECONDS)
        if self._cluster is not None:
            self._cluster.tell(_YES, number)

    def _hear_yes(self, number: str) -> None:
        if number in self._questions:
            self._questions[number].set()


class ClientRetries:
    """Matches requests with the tasks of earlier equal ones; ``now`` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float], peers: Peers | None = None) -> None:
        self._now = now
        self._peers = peers or Peers()
        self._peers.answer(lambda key: not self._is_abandoned(key))
        self._arriving: dict[Call, None] = {}
        self._arrived = asyncio.Condition()
        self._refusals: deque[tuple[float, str]] = deque(maxlen=_MAX_REMEMBERED)
        self._waiting: dict[str, set[Call]] = {}
        self._answered: dict[str, None] = {}

    async def accept(
        self, imagegen: ImageGen, call: Call, submit: Callable[[str], Awaitable[AddedTask]], *, numbered: bool
    ) -> AddedTask:
        """Return the task that this call repeats, or submit a new one under a key; until `leave` it waits."""
        async with self.arriving(call):
            task = await self.claim(imagegen, call, numbered=numbered)
            if task is not None:
                return AddedTask(task=task, replayed=True)
            if call.disconnect.done():
                raise Unavailable(ServiceCode.CALLER_LEFT())
            key = f"{call.digest}.{imagegen.parts.new_id()}"
            async with self.submitting(call, key):
                return await submit(key)

    @asynccontextmanager
    async def arriving(self, call: Call) -> AsyncIterator[None]:
        """Hold later equal requests until it is known which task this one gets, if any."""
        self._arriving[call] = None
        try:
            yield
        finally:
            del self._arriving[call]
            async with self._arrived:
                self._arrived.notify_all()

    @asynccontextmanager
    async def submitting(self, call: Call, key: str) -> AsyncIterator[None]:
        """Assign a new request its key, and remember if it is refused."""
        self._enter(call, key)
        try:
            yield
        except BaseException as error:  # also when cancelled: the caller no longer waits
            self.leave(call)
            if isinstance(error, Refusal) and error.slug in _RETRIED_REFUSALS:
                self._refusals.append((self._now() + _REFUSAL_MEMORY_SECONDS, call.digest))
            raise

    async def claim(self, imagegen: ImageGen, call: Call, *, numbered: bool) -> Task | None:
        """Return the task that this caller gets, and waits for until `leave`; None: submit a new one."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._is_settled(call, numbered=numbered))
        if numbered and self._was_refused(call.digest):
            return None
        task = await self._claim_abandoned(
            imagegen, call, MAX_NUMBERED_RETRY_DELAY if numbered else MAX_RETRY_DELAY
        )
        return await self._share(imagegen, call) if task is None and numbered else task

    def answered(self, call: Call) -> None:
        """Remember that the response was delivered, as far as the server can know."""
        if call.key is not None:
            self._remember(call.key)

    def leave(self, call: Call) -> None:
        if call.key is not None:
            callers = self._waiting[call.key]
            callers.remove(call)
            if not callers:
                del self._waiting[call.key]
            call.key = None

    async def _claim_abandoned(self, imagegen: ImageGen, call: Call, max_delay: timedelta) -> Task | None:
        now, tasks = imagegen.parts.clock.now(), imagegen.parts.tasks
        for operation in call.operations:
            scope, prefix = f"{DERIVED_KEY_SCOPE}:{operation}", f"{call.digest}."
            for unanswered in await tasks.keys(scope, prefix, now=now, unanswered_since=now - max_delay):
                if not self._is_abandoned(unanswered.key):
                    continue
                task = await tasks.get(unanswered.task_id)
                if not _answers_a_retry(task):
                    self._remember(unanswered.key)
                elif await self._peers.ask(unanswered.key):
                    continue
                elif self._is_abandoned(unanswered.key):  # and no other request claimed it meanwhile
                    self._enter(call, unanswered.key)
                    return task
        return None

    async def _share(self, imagegen: ImageGen, call: Call) -> Task | None:
        """Return a task that somebody waits for, else one that was answered."""
        now, tasks = imagegen.parts.clock.now(), imagegen.parts.tasks
        candidates = [
            (stored.key, task)
            for operation in call.operations
            for stored in await tasks.keys(f"{DERIVED_KEY_SCOPE}:{operation}", f"{call.digest}.", now=now)
            if _answers_a_retry(task := await tasks.get(stored.task_id))
            and (task.completed_at is None or now - task.completed_at <= MAX_NUMBERED_RETRY_DELAY)
        ]
        if not candidates:
            return None
        key, task = min(
            candidates, key=lambda pair: (pair[0] in self._answered, pair[0] not in self._waiting)
        )
        self._enter(call, key)
        return task

    def _is_settled(self, call: Call, *, numbered: bool) -> bool:
        """Return whether no earlier equal request may still leave a task for this one."""
        before = takewhile(lambda other: other is not call, self._arriving)
        return not any(
            other.digest == call.digest and (numbered or other.disconnect.done()) for other in before
        )

    def _is_abandoned(self, key: str) -> bool:
        """Return whether nobody got the response and all who waited for it have disconnected."""
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
        """Return whether an equal request was refused; each refusal counts for one retry."""
        now = self._now()
        while self._refusals and self._refusals[0][0] <= now:
            self._refusals.popleft()
        refusal = next((entry for entry in self._refusals if entry[1] == digest), None)
        if refusal is not None:
            self._refusals.remove(refusal)
        return refusal is not None


def _answers_a_retry(task: Task) -> bool:
    """Return whether a retry gets this task's outcome rather than a new attempt."""
    failure = task.failure
    if task.status is not TaskStatus.FAILED or failure is None:
        return True
    return failure.possible_charge or not failure.retryable
