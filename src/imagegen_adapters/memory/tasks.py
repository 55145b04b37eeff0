"""Tasks, their keys, changes and costs in memory, for tests and for users who need no persistence."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from itertools import islice

import attrs

from imagegen_adapters.stores.queue import Waiting
from imagegen_adapters.stores.rows import list_page
from imagegen_core.attempt import Attempt, Charge, costs_of
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.costs import Basis, Cost, Ticks, Usage
from imagegen_core.errors import (
    IdempotencyKeyReused,
    ProviderConfigNotFound,
    QueueFull,
    StaleTask,
    TaskNotFound,
)
from imagegen_core.images import Collection as ImageCollection
from imagegen_core.images import Image
from imagegen_core.ports.outbox import OutboxEntry, OutboxKind
from imagegen_core.ports.queue import MAX_DEFERRAL, Demand
from imagegen_core.ports.tasks import (
    AddedTask,
    ChangedTask,
    ChangedTasks,
    IdempotencyClaim,
    StoredKey,
    TaskFilter,
    UsageKey,
)
from imagegen_core.search import Page, Paging, Simplify
from imagegen_core.task import Fence, Task, TaskEvent, TaskStatus, image_event, last_event
from imagegen_core.values import quarter_of


@attrs.define(kw_only=True)
class StoredClaim:
    """An idempotency key that has been used."""

    claim: IdempotencyClaim
    task_id: str
    answered_at: datetime | None = None


@attrs.define(kw_only=True)
class MemoryState:
    """The rows of all memory adapters, in insertion order, which is by age.

    Adapters never await in the middle of a change, so every change is atomic. ``image_counts`` are the images
    that each task has made, including deleted ones.
    """

    simplify: Simplify = str
    tasks: dict[str, Task] = attrs.field(factory=dict)
    task_numbers: dict[str, int] = attrs.field(factory=dict)
    idempotency_keys: dict[tuple[str, str], StoredClaim] = attrs.field(factory=dict)
    attempts: dict[str, Attempt] = attrs.field(factory=dict)
    images: dict[int, Image] = attrs.field(factory=dict)
    collections: dict[int, ImageCollection] = attrs.field(factory=dict)
    image_counts: Counter[str] = attrs.field(factory=Counter)
    outbox: dict[int, OutboxEntry] = attrs.field(factory=dict)
    events: dict[str, list[TaskEvent]] = attrs.field(factory=dict)
    changes: dict[str, int] = attrs.field(factory=dict)
    last_ids: Counter[str] = attrs.field(factory=Counter)

    def new_id(self, kind: str) -> int:
        """Return a number that was never used for this kind."""
        self.last_ids[kind] += 1
        return self.last_ids[kind]

    def put(self, task: Task) -> None:
        """Insert a task, or replace it without moving it."""
        self.task_numbers.setdefault(task.task_id, len(self.task_numbers) + 1)
        self.tasks[task.task_id] = task
        self._note_change(task.task_id)

    def with_status(self, status: TaskStatus) -> Iterator[Task]:
        return (task for task in tuple(self.tasks.values()) if task.status is status)

    def add_event(self, event: TaskEvent) -> TaskEvent:
        added = attrs.evolve(event, id=self.new_id("event"))
        self.events.setdefault(event.task_id, []).append(added)
        return added

    def add_image(self, image: Image) -> Image:
        """Store an image and its event, or return the stored one with the same attempt and position."""
        for stored in self.images.values():
            if (stored.attempt_id, stored.position) == (image.attempt_id, image.position):
                return stored
        added = attrs.evolve(image, id=self.new_id("image"))
        self.images[added.id] = added
        self._note_change(added.task_id)
        self.image_counts[added.task_id] += 1
        self.add_event(image_event(added))
        return added

    def add_to_outbox(self, kind: OutboxKind, key: str, image_id: int | None) -> None:
        """Queue an upload or a removal; a removal cancels the upload of the same blob."""
        if kind is OutboxKind.REMOVE:
            self.outbox = {number: one for number, one in self.outbox.items() if one.blob_key != key}
        entry = OutboxEntry(id=self.new_id("outbox"), kind=kind, blob_key=key, image_id=image_id)
        self.outbox[entry.id] = entry

    def _note_change(self, task_id: str) -> None:
        """Move the task to the end of the feed."""
        self.changes.pop(task_id, None)
        self.changes[task_id] = self.new_id("change")


class MemoryTasks:
    """The tasks of a state."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(self, task: Task, *, queue_size: int, claim: IdempotencyClaim | None = None) -> AddedTask:
        keys, now = self._state.idempotency_keys, task.created_at
        for key in [key for key, stored in keys.items() if stored.claim.expires_at <= now]:
            del keys[key]
        if claim is not None and (replayed := await self.replay(claim, now=now)) is not None:
            return AddedTask(task=replayed, replayed=True)
        if len([*self._state.with_status(TaskStatus.PENDING)]) >= queue_size:
            raise QueueFull(queue_size)
        self._state.put(task)
        if claim is not None:
            keys[claim.scope, claim.key] = StoredClaim(claim=claim, task_id=task.task_id)
        return AddedTask(task=task)

    async def replay(self, claim: IdempotencyClaim, *, now: datetime) -> Task | None:
        stored = self._state.idempotency_keys.get((claim.scope, claim.key))
        if stored is None or stored.claim.expires_at <= now:
            return None
        if stored.claim.body_sha256 != claim.body_sha256:
            raise IdempotencyKeyReused
        return self._state.tasks[stored.task_id]

    async def keys(
        self, scope: str, prefix: str, *, now: datetime, unanswered_since: datetime | None = None
    ) -> tuple[StoredKey, ...]:
        stored = [
            one
            for one in self._state.idempotency_keys.values()
            if one.claim.scope == scope and one.claim.key.startswith(prefix) and one.claim.expires_at > now
        ]
        stored.sort(key=lambda one: self._state.task_numbers[one.task_id])
        if unanswered_since is None:
            stored = stored[::-1][:20]
        else:
            stored = [one for one in stored if self._is_unanswered(one, unanswered_since)][:2000]
        return tuple(StoredKey(key=one.claim.key, task_id=one.task_id) for one in stored)

    def _is_unanswered(self, claim: StoredClaim, ended_since: datetime) -> bool:
        ended_at = self._state.tasks[claim.task_id].completed_at
        return claim.answered_at is None and (ended_at is None or ended_at > ended_since)

    async def mark_answered(self, task_id: str, *, at: datetime) -> None:
        for claim in self._state.idempotency_keys.values():
            if claim.task_id == task_id and claim.answered_at is None:
                claim.answered_at = at

    async def get(self, task_id: str) -> Task:
        try:
            return self._state.tasks[task_id]
        except KeyError:
            raise TaskNotFound(task_id) from None

    async def find(self, criteria: TaskFilter, paging: Paging) -> Page[Task]:
        tasks = (
            (self._state.task_numbers[task.task_id], task)
            for task in reversed(self._state.tasks.values())
            if criteria.status in (None, task.status) and criteria.provider_name in (None, task.provider_name)
        )
        return list_page(tasks, paging)

    async def counts(self, statuses: Collection[TaskStatus] = tuple(TaskStatus)) -> Mapping[TaskStatus, int]:
        return {status: len([*self._state.with_status(status)]) for status in statuses}

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self._state.attempts.values() if attempt.task_id == task_id)

    async def save(
        self,
        fence: Fence,
        *,
        task: Task | None = None,
        attempts: Sequence[Attempt] = (),
        images: Sequence[Image] = (),
    ) -> tuple[Image, ...]:
        stored = await self.get(attempts[0].task_id if task is None else task.task_id)
        if stored.status.final or stored.fence != fence:
            raise StaleTask(stored.task_id)
        if task is not None:
            cancel_requested = stored.cancel_requested or task.cancel_requested
            self._state.put(attrs.evolve(task, cancel_requested=cancel_requested))
        self._state.attempts |= {attempt.attempt_id: attempt for attempt in attempts}
        added = tuple(map(self._state.add_image, images))
        if task is not None and task.status.final:
            for attempt in await self.attempts(task.task_id):
                self._state.attempts[attempt.attempt_id] = attempt.after_task()
            self._state.add_event(last_event(task))
        return added

    async def request_cancel(self, task_id: str) -> Task:
        stored = await self.get(task_id)
        if stored.status is TaskStatus.PROCESSING:
            self._state.put(stored.request_cancel())
        return await self.get(task_id)

    async def cancel_requests(self, task_ids: Collection[str]) -> frozenset[str]:
        processing = self._state.with_status(TaskStatus.PROCESSING)
        return frozenset(t.task_id for t in processing if t.cancel_requested and t.task_id in task_ids)

    async def orphans(self, *, alive: Collection[str], running: Collection[str]) -> tuple[Task, ...]:
        processing = self._state.with_status(TaskStatus.PROCESSING)
        return tuple(t for t in processing if t.owner not in alive and t.task_id not in running)

    async def wipe_responses(self, *, ended_before: datetime) -> None:
        for attempt in list(self._state.attempts.values()):
            if not attempt.is_active and attempt.updated_at < ended_before:
                self._state.attempts[attempt.attempt_id] = attrs.evolve(attempt, response=None)

    async def changes(self, since: int | None = None, *, limit: int = 100) -> ChangedTasks:
        end = self._state.last_ids["change"] + 1
        later = (pair for pair in self._state.changes.items() if since is not None and pair[1] >= since)
        changes = tuple(
            ChangedTask(task=self._state.tasks[task_id], position=change + 1)
            for task_id, change in islice(later, limit)
        )
        has_more = len(changes) >= limit
        position = changes[-1].position if has_more else end
        return ChangedTasks(changes=changes, position=position, has_more=has_more)

    async def costs(self, task_ids: Collection[str]) -> Mapping[str, tuple[Cost, ...]]:
        costs = {task_id: costs_of(await self.attempts(task_id)) for task_id in task_ids}
        return {task_id: parts for task_id, parts in costs.items() if parts}

    async def usage(
        self, by: UsageKey, *, first: int | None = None, last: int | None = None
    ) -> Mapping[str, Usage]:
        usages: dict[str, Usage] = defaultdict(Usage)
        for quarter, task in self._ended():
            if (first is None or quarter >= first) and (last is None or quarter <= last):
                name = task.provider_name if by is UsageKey.PROVIDER else task.model_id
                usages[name] = usages[name].plus(self._usage(task))
        return usages

    async def usage_by_interval(self, bounds: Sequence[int]) -> tuple[Usage, ...]:
        usages = [Usage()] * (len(bounds) + 1)
        for quarter, task in self._ended():
            number = bisect_right(bounds, quarter)
            usages[number] = usages[number].plus(self._usage(task))
        return tuple(usages[1:-1])

    async def usage_span(self) -> tuple[int, int] | None:
        quarters = [quarter for quarter, _ in self._ended()]
        return (min(quarters), max(quarters)) if quarters else None

    def _ended(self) -> list[tuple[int, Task]]:
        ended = (task for task in self._state.tasks.values() if task.status.final)
        return [(quarter_of(task.completed_at or task.created_at), task) for task in ended]

    def _usage(self, task: Task) -> Usage:
        usage = Usage(tasks=1, images=self._state.image_counts[task.task_id])
        own = (attempt for attempt in self._state.attempts.values() if attempt.task_id == task.task_id)
        return reduce(Usage.plus, map(_usage_of, own), usage)


def _usage_of(attempt: Attempt) -> Usage:
    cost = attempt.cost
    if attempt.charge is Charge.NONE or cost is None:
        return Usage()
    if cost.currency is None or cost.ticks is None:
        return Usage(unknown_attempts=1)
    basis = "known" if cost.basis is Basis.KNOWN else "estimated"
    kind = "possible" if attempt.charge is Charge.POSSIBLE else basis
    return Usage(currencies={cost.currency: Ticks(**{f"{kind}_ticks": cost.ticks})})


class MemoryQueue:
    """The queue of a state, which it must share with the task repository."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._waiting = Waiting()

    async def demand(self, *, now: datetime, limit: int) -> Demand:
        self._waiting.reset()
        for task in self._due(now):
            self._state.put(attrs.evolve(task, not_before=None))
        names = list(dict.fromkeys(task.provider_name for task in self._due(now)))[:limit]
        processing = self._processing()
        pending = self._state.with_status(TaskStatus.PENDING)
        return Demand(
            processing={name: processing[name] for name in names},
            next_due=min((task.not_before for task in pending if task.not_before), default=None),
        )

    async def claim(
        self, node: str, *, limit: int, now: datetime, provider_limits: Mapping[str, int]
    ) -> tuple[Task, ...]:
        processing = self._processing()
        claimed: list[Task] = []
        for due in self._due(now):
            task, name = attrs.evolve(due, not_before=None), due.provider_name
            if len(claimed) < limit and processing[name] < provider_limits.get(name, 0):
                task = task.claim(node, now)
                processing[name] += 1
                claimed.append(task)
            self._state.put(task)
        if claimed and len(claimed) == limit:
            self._waiting.wake()
        return tuple(claimed)

    async def position(self, task_id: str) -> int | None:
        before: Counter[str] = Counter()
        for task in self._state.with_status(TaskStatus.PENDING):
            if task.task_id == task_id:
                return before[task.provider_name] + 1
            before[task.provider_name] += task.not_before is None
        return None

    async def wake(self, *, locked: bool = False) -> None:
        for task in self._state.with_status(TaskStatus.PENDING):
            if locked and task.locked:
                self._state.put(attrs.evolve(task, not_before=None))
        self._waiting.wake()

    async def wait(self, timeout: float) -> None:
        await self._waiting.wait(timeout)

    async def publish(self, event: TaskEvent) -> TaskEvent:
        added = self._state.add_event(event)
        self._waiting.notify(event.task_id)
        return added

    async def notify(self, task_id: str) -> None:
        self._waiting.notify(task_id)

    async def events(self, task_id: str, *, after: int = 0) -> AsyncIterator[TaskEvent]:
        with self._waiting.follow(task_id) as changed:
            while True:
                changed.clear()
                events = self._state.events.get(task_id, [])
                for event in [event for event in events if event.id > after]:
                    after = event.id
                    yield event
                if events and events[-1].kind.final:
                    return
                await changed.wait()

    async def last_event_id(self, task_id: str) -> int:
        events = self._state.events.get(task_id)
        return events[-1].id if events else 0

    def _due(self, now: datetime) -> list[Task]:
        pending = self._state.with_status(TaskStatus.PENDING)
        return [t for t in pending if not t.not_before or not now < t.not_before <= now + MAX_DEFERRAL]

    def _processing(self) -> Counter[str]:
        return Counter(task.provider_name for task in self._state.with_status(TaskStatus.PROCESSING))


class MemoryProviderConfigs:
    """One configuration per provider name."""

    def __init__(self) -> None:
        self._configs: dict[str, ProviderConfig] = {}
        self._default: str | None = None

    async def get(self, provider_name: str) -> ProviderConfig | None:
        return self._configs.get(provider_name)

    async def all(self) -> tuple[ProviderConfig, ...]:
        return tuple(config for _, config in sorted(self._configs.items()))

    async def save(self, config: ProviderConfig, *, key_origin: str) -> None:
        if config.api_key is not None:
            config.api_key.reveal()
        before = self._configs.get(config.provider_name)
        created_at = (before.created_at if before else None) or config.created_at
        self._configs[config.provider_name] = attrs.evolve(
            config, source=ConfigSource.DATABASE, created_at=created_at, key_origin=key_origin or None
        )

    async def default(self) -> str | None:
        return self._default

    async def set_default(self, provider_name: str | None) -> None:
        self._default = provider_name

    async def delete(self, provider_name: str) -> None:
        if self._configs.pop(provider_name, None) is None:
            raise ProviderConfigNotFound(provider_name)
