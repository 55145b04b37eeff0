"""Who may call now: fair slots of each provider, and a task that this process runs."""

import asyncio
from bisect import insort
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from itertools import chain, count
from operator import attrgetter

import attrs

from imagegen_core.attempt import Attempt, Phase
from imagegen_core.images import Image
from imagegen_core.ports.cluster import Cluster, call_slot
from imagegen_core.ports.parts import Parts
from imagegen_core.task import Task


class SlotsClosed(Exception):
    """The service is stopping; a call that waited for a slot gets none."""


class ProviderSlots:
    """Bounds this node's calls in flight to each provider, first task first.

    The cluster's slots bound those of all nodes together. A provider without a limit of its own has
    ``default_limit`` at each node.
    """

    def __init__(self, *, default_limit: int, cluster: Cluster, node: str) -> None:
        self.default_limit = default_limit
        self.cluster, self.node, self.closed, self._numbers = cluster, node, False, count()
        self._in_flight: Counter[str] = Counter()
        self._tickets: defaultdict[str, list[Ticket]] = defaultdict(list)  # those that may start calls

    @contextmanager
    def ticket(self, provider_name: str, *, is_last: bool = False) -> "Iterator[Ticket]":
        """Queue a running task for its provider's slots, behind earlier tasks, until the block exits.

        Those that are ``is_last``, of batches, are behind all others.
        """
        ticket = Ticket(self, provider_name, place=(is_last, next(self._numbers)))
        self.queue(ticket)
        try:
            yield ticket
        finally:
            if ticket.is_queued:
                self._tickets[provider_name].remove(ticket)
            self.admit(provider_name)

    def queue(self, ticket: "Ticket") -> None:
        if not ticket.is_queued:
            ticket.is_queued = True
            insort(self._tickets[ticket.provider_name], ticket, key=attrgetter("place"))

    def admit(self, provider_name: str) -> None:
        """Start the calls that have a slot, in the order of tickets; stop at one that is not ready."""
        tickets = self._tickets[provider_name]
        while tickets:
            ticket = tickets[0]
            while ticket.waiting and self._in_flight[provider_name] < ticket.limit:
                permit = ticket.waiting.popleft()
                if not permit.done():
                    self._in_flight[provider_name] += 1
                    permit.set_result(None)
            if ticket.waiting or not ticket.ready:
                return
            ticket.is_queued = False
            del tickets[0]
        del self._tickets[provider_name]

    def end_call(self, provider_name: str) -> None:
        """Free the slot of a call, and start the next one."""
        self._in_flight -= Counter((provider_name,))  # keeps no zero
        self.admit(provider_name)

    def close(self) -> None:
        """Start no further call; those in flight continue."""
        self.closed = True
        for ticket in chain.from_iterable(self._tickets.values()):
            while ticket.waiting:
                if not (permit := ticket.waiting.popleft()).done():
                    permit.set_exception(SlotsClosed())


class Ticket:
    """A running task's place in its provider's queue; younger tasks wait until its calls have started."""

    def __init__(self, slots: ProviderSlots, provider_name: str, *, place: tuple[bool, int]) -> None:
        self._slots, self.provider_name, self.limit = slots, provider_name, slots.default_limit
        self.place, self.is_queued, self.ready = place, False, False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def call(self, limit: int | None) -> AsyncIterator[None]:
        """Hold one of the provider's ``limit`` slots."""
        if self._slots.closed:
            raise SlotsClosed
        self.limit = limit or self._slots.default_limit
        permit = asyncio.get_running_loop().create_future()
        self.waiting.append(permit)
        self._slots.queue(self)
        self.yield_turn()
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled() and permit.exception() is None:
                self._slots.end_call(self.provider_name)
            raise
        slots, name = self._slots, call_slot(self.provider_name)
        try:
            shared = None if limit is None else slots.cluster.slot(name, node=slots.node, limit=limit)
            async with shared or nullcontext():
                if slots.closed:
                    raise SlotsClosed  # meanwhile
                yield
        finally:
            slots.end_call(self.provider_name)

    def yield_turn(self) -> None:
        """Let younger tasks start calls too, behind those that this task starts now."""
        self.ready = True
        # Soon, not now: calls that start together queue up in this turn of the loop.
        asyncio.get_running_loop().call_soon(self._slots.admit, self.provider_name)


@attrs.define(eq=False, kw_only=True)
class RunningTask:
    """A claimed task. Progress, cancellation and the end go through it, so that they never collide.

    A staged change is stored with the next save, in one transaction. Until then do not act on it: a crash
    would undo it.

    ``on_images`` is called with images that were stored. ``attempts``: the latest of each part,
    staged ones included. ``free``: the provider's calls cost nothing, as far as is known. ``closing``: the
    last part's end, staged for the task's end. ``images``: None if an earlier run may have stored
    some. ``has_spooled``: this run, or perhaps an earlier one, spooled responses.
    """

    task: Task
    parts: Parts
    on_images: Callable[[tuple[Image, ...]], object]
    ticket: Ticket
    attempts: dict[int, Attempt] = attrs.field(factory=dict)
    free: bool = False
    closing: Attempt | None = None
    images: tuple[Image, ...] | None = None
    has_spooled: bool = True
    cancelled: asyncio.Event = attrs.field(factory=asyncio.Event)
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _stored: Task = attrs.field(init=False)
    _staged: dict[str, Attempt] = attrs.field(factory=dict)
    _staged_images: tuple[Image, ...] = ()

    def __attrs_post_init__(self) -> None:
        self._stored = self.task
        if self.task.cancel_requested:
            self.cancelled.set()

    def stage(
        self, *, task: Task | None = None, attempts: Iterable[Attempt] = (), images: tuple[Image, ...] = ()
    ) -> None:
        """Queue a change for the next save, which commits it in the same transaction."""
        self.task = self.task if task is None else task
        for attempt in attempts:
            self.attempts[attempt.part] = self._staged[attempt.attempt_id] = attempt
        self._staged_images += images

    async def save(self, task: Task, attempts: Sequence[Attempt] = ()) -> None:
        """Store a changed task with these attempts, in one transaction, and continue from it."""
        async with self._lock:
            await self._write(task, attempts)
            self.task = task
            self.attempts.update({attempt.part: attempt for attempt in attempts})

    async def save_progress(self, fraction: float) -> bool:
        """Store the provider's progress; False if the task has ended, since no event may follow."""
        async with self._lock:
            if self.task.status.final:
                return False
            self.task = attrs.evolve(self.task, progress=fraction)
            await self._write(self.task)
            return True

    async def save_attempt(self, attempt: Attempt, images: tuple[Image, ...] = ()) -> None:
        """Store a changed attempt before the step that it announces, and the images that it yielded.

        The last part's end is staged instead, and stored with the task's.

        `attempts` stays correct if this is cancelled halfway. A response counts once it has arrived, images
        once they are on disk. So does a submission, because nothing is sent before that.
        """
        others = (other for part, other in self.attempts.items() if part != attempt.part)
        if not attempt.is_active and not any(other.is_active for other in others):
            self.stage(attempts=(attempt,), images=images)
            self.closing = attempt
            return
        if attempt.phase not in (Phase.SUBMITTING, Phase.STORED) and not images:
            self.attempts[attempt.part] = attempt
        await self._write_attempt(attempt, images)
        self.attempts[attempt.part] = attempt

    async def is_stale(self) -> bool:
        """Whether the task is no longer this run's; the next one may use what this one has stored."""
        return (await self.parts.tasks.get(self.task.task_id)).fence != self._stored.fence

    def _has_staged(self) -> bool:
        return self.task is not self._stored or bool(self._staged)

    async def _write_attempt(self, attempt: Attempt, images: tuple[Image, ...]) -> None:
        if self._has_staged():
            async with self._lock:
                if self._has_staged():  # another part has not stored it meanwhile
                    await self._write(self.task, (attempt,), images)
                    return
        await self._announce(
            await self.parts.tasks.save(self._stored.fence, attempts=(attempt,), images=images)
        )

    async def _write(
        self, task: Task, attempts: Iterable[Attempt] = (), images: tuple[Image, ...] = ()
    ) -> None:
        """Store the task with all that is staged; only under the lock."""
        staged, staged_images = dict(self._staged), self._staged_images
        changed = staged | {attempt.attempt_id: attempt for attempt in attempts}
        stored = await self.parts.tasks.save(
            self._stored.fence, task=task, attempts=tuple(changed.values()), images=staged_images + images
        )
        self._stored = task
        self._staged = {key: value for key, value in self._staged.items() if value is not staged.get(key)}
        self._staged_images = self._staged_images[len(staged_images) :]
        await self._announce(stored)

    async def _announce(self, images: tuple[Image, ...]) -> None:
        """Tell followers and the stores of new images."""
        if images:
            if self.images is not None:
                self.images += images
            self.on_images(images)
            await self.parts.queue.notify(self.task.task_id)
