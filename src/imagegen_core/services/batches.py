"""What callers do with batches, and the loop that submits their items as earlier ones end."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress

import attrs

from imagegen_core.batch import Batch, BatchMode, BatchPlan, BatchStatus, PauseReason, ceiling_problem
from imagegen_core.costs import Cost, total
from imagegen_core.errors import ImagegenError, InsufficientStorage, Refusal, Unavailable, ValidationFailed
from imagegen_core.limits import MAX_QUEUE_SIZE
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.models import Model
from imagegen_core.ports.batches import BatchKey
from imagegen_core.ports.cluster import BATCHES
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.running.batch_jobs import BatchJobs
from imagegen_core.services.tasks import Tasks
from imagegen_core.task import (
    BatchPlace,
    Submission,
    Target,
    Task,
    TaskStatus,
    canonical_json,
    check_idempotency_key,
)

LOOK_SECONDS = 5.0
"""The longest pause between looks: a hint may be lost, and a full queue or disk may have room again."""

_ITEMS_AT_ONCE = 50  # that one transaction submits
_PLANS_KEPT = 4  # in memory: each may have megabytes, and its batch needs it for every item
_RETRY_SECONDS = 1.0
_CHECKS_AT_ONCE = 50  # before others get their turn of the event loop
_log = logging.getLogger(__name__)


@attrs.define(kw_only=True)
class Batches:
    """What callers do with batches; started, it also submits their items.

    One node does that, which holds a slot of the cluster. Two that do it at once lose and double nothing: an
    item is stored together with the position of its batch.
    """

    parts: Parts
    tasks: Tasks
    jobs: BatchJobs
    owner: str
    _plans: OrderedDict[str, BatchPlan] = attrs.field(factory=OrderedDict, init=False)
    _wake: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _loop: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.parts.cluster.hear(BATCHES, lambda _: self._wake.set())

    # ---------------------------------------------------------------- create

    async def create(
        self, batch: Batch, plan: BatchPlan, *, idempotency_key: str | None = None
    ) -> tuple[Batch, bool]:
        """Store a batch, with an id and an estimate, or return that of the same key; True if it was there.

        Each of its items is checked and priced now, so that one that could not be submitted refuses all. Once
        this returns, the batch survives a kill and a power cut. On a `Refusal` nothing is stored.
        """
        check_idempotency_key(idempotency_key)
        batch.check()
        plan.check()
        key = None
        if idempotency_key is not None:
            digest = await asyncio.to_thread(_digest, batch, plan)
            key = BatchKey(key=idempotency_key, body_sha256=digest)
            if (earlier := await self.parts.batches.replay(key)) is not None:
                return earlier, True
        plan, resolved = await self._resolved(plan)
        if batch.mode is BatchMode.UPSTREAM:
            if plan.fallback:
                reason = ProblemCode.NOT_WITH_ACTION(action="mode: vendor")
                raise ValidationFailed.for_field("fallback", reason)
            for number, submission in enumerate(distinct_requests(plan)):
                if number % _CHECKS_AT_ONCE == 0:
                    await asyncio.sleep(0)
                target = Target(provider_name=submission.provider_name, model_id=submission.model_id)
                await self.jobs.check(submission, *resolved[target])
            resolved = {target: (provider, model.in_batch) for target, (provider, model) in resolved.items()}
        estimate = await self._estimate(plan, resolved, batch.max_cost)
        if not self.parts.has_room():
            raise InsufficientStorage
        batch = attrs.evolve(
            batch,
            batch_id=self.parts.new_id(),
            size=plan.size,
            estimate=estimate,
            created_at=self.parts.clock.now(),
        )
        stored = await self.parts.batches.add(batch, plan, key)
        self.parts.cluster.tell(BATCHES, stored.batch_id)
        return stored, stored.batch_id != batch.batch_id

    async def _resolved(
        self, plan: BatchPlan
    ) -> tuple[BatchPlan, dict[Target, tuple[ResolvedProvider, Model]]]:
        """Return the plan with all providers and models named, and what these are configured as."""
        named = dict[Target, Target]()
        resolved = dict[Target, tuple[ResolvedProvider, Model]]()
        own = (item.target for item in plan.items if item.target is not None)
        for target in dict.fromkeys((*plan.targets, *own)):
            submission = Submission(provider_name=target.provider_name, model_id=target.model_id)
            provider, model = await self.tasks.resolved(submission)
            if provider.config.api_base:
                await self.parts.check_address(provider.config.api_base)
            named[target] = Target(provider_name=provider.config.provider_name, model_id=model.id)
            resolved[named[target]] = provider, model
        items = (attrs.evolve(item, target=item.target and named[item.target]) for item in plan.items)
        targets = tuple(named[target] for target in plan.targets)
        return attrs.evolve(plan, targets=targets, items=tuple(items)), resolved

    async def _estimate(
        self,
        plan: BatchPlan,
        resolved: dict[Target, tuple[ResolvedProvider, Model]],
        ceiling: Cost | None,
    ) -> tuple[Cost, ...]:
        estimate: tuple[Cost, ...] = ()
        for number in range(plan.size):
            if number % _CHECKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            submission = plan.submission(number)
            target = Target(provider_name=submission.provider_name, model_id=submission.model_id)
            try:
                submission.check_shape()
                quotes = self.tasks.quoted(submission, *resolved[target])
                if plan.fallback:  # which may be dearer
                    quotes = await self.tasks.estimate(submission)
            except ValidationFailed as error:
                raise error.with_fields({"prompt": plan.field(number)}) from error
            if ceiling is not None and (problem := ceiling_problem(quotes, ceiling)) is not None:
                raise ValidationFailed.for_field("max_cost", problem)
            estimate = total((*estimate, *quotes))
        return estimate

    # ---------------------------------------------------------------- change
    # A batch that has ended stays as it is, so each of these may be repeated.

    async def pause(self, batch_id: str) -> Batch:
        """Submit no more for now; what waits or runs goes on to its end."""
        await self.parts.batches.pause(batch_id, PauseReason.PERSON)
        return await self.parts.batches.get(batch_id)

    async def resume(self, batch_id: str) -> Batch:
        """Let a paused batch go on."""
        await self.parts.batches.resume(batch_id)
        self.parts.cluster.tell(BATCHES, batch_id)
        await self.jobs.wake(batch_id)
        return await self.parts.batches.get(batch_id)

    async def cancel(self, batch_id: str) -> Batch:
        """Submit no more for good, and cancel what waits or runs."""
        await self.parts.batches.cancel(batch_id, now=self.parts.clock.now())
        batch = await self.parts.batches.get(batch_id)
        if batch.open and batch.status is BatchStatus.CANCELLED:
            await self.tasks.cancel_all(TaskFilter(batch_id=batch_id))
            await self.jobs.wake(batch_id)
            batch = await self.parts.batches.get(batch_id)
        return batch

    async def retry_failed(self, batch_id: str) -> Batch:
        """Make all tasks again that have failed, each once, and those that run now and fail; it is paid for.

        A batch without failed tasks, or one that is cancelled or makes all of them again already, stays as
        it is.
        """
        await self.parts.batches.resume(batch_id, retry_failed=True)
        self.parts.cluster.tell(BATCHES, batch_id)
        return await self.parts.batches.get(batch_id)

    # ---------------------------------------------------------------- submit

    def start(self) -> None:
        """Submit items from now on, as soon as no other node does."""
        self._loop = asyncio.create_task(self._run(), name="batches")

    async def stop(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                async with self.parts.cluster.slot(BATCHES, node=self.owner, limit=1):
                    while True:
                        self._wake.clear()
                        if await self.submit_some():
                            continue
                        with suppress(TimeoutError):
                            async with asyncio.timeout(LOOK_SECONDS):
                                await self._wake.wait()
            except ImagegenError as error:
                _log.warning("batches wait for the database", extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("submitting batches failed")
            await self.parts.clock.sleep(_RETRY_SECONDS)

    async def submit_some(self) -> bool:
        """Submit the next items of each running batch; return whether there may be more right now."""
        has_more = False
        for batch in await self.parts.batches.unfinished():
            if batch.status is BatchStatus.CANCELLED:  # by a process that died before it had cancelled all
                waiting = TaskFilter(status=TaskStatus.PENDING, batch_id=batch.batch_id)
                await self.tasks.cancel_all(waiting)
            elif await self._submit_of(batch) == _ITEMS_AT_ONCE:
                has_more = True
        return has_more

    async def _submit_of(self, batch: Batch) -> int:
        in_jobs = batch.mode is BatchMode.UPSTREAM
        room = _ITEMS_AT_ONCE if in_jobs else min(batch.concurrency - batch.open, _ITEMS_AT_ONCE)
        tasks: list[Task] = []
        try:
            for number, submission in await self._next(batch, room):
                place = BatchPlace(batch_id=batch.batch_id, item=number)
                if batch.max_cost is not None:
                    if in_jobs:
                        provider, model = await self.tasks.resolved(submission)
                        quotes = self.tasks.quoted(submission, provider, model.in_batch)
                    else:  # of the dearest that may be asked
                        quotes = await self.tasks.estimate(submission)
                    if (problem := ceiling_problem(quotes, batch.max_cost)) is not None:
                        await self._pause(batch, PauseReason.MAX_COST, problem)
                        return 0
                    ticks = sum(quote.ticks or 0 for quote in quotes)
                    place = attrs.evolve(place, quote_ticks=ticks)
                task = await self.tasks.new_task(submission, self.parts.new_id())
                tasks.append(attrs.evolve(task, batch=place))
        except (Unavailable, InsufficientStorage) as error:
            details = {"batch_id": batch.batch_id, "reason": str(error)}
            _log.warning("a batch waits", extra=details)
        except Refusal as refusal:
            await self._pause(batch, PauseReason.FAILURE, refusal.advice)
            return 0
        if in_jobs:
            return await self._submit_to_jobs(batch, tasks)
        if not tasks:
            return 0
        room = -(-self.tasks.queue_size // 2)  # the other half is for tasks that come by themselves
        added = await self.parts.batches.submit(batch, tasks, queue_size=room)
        if added:
            await self.parts.queue.wake()
        return added

    async def _submit_to_jobs(self, batch: Batch, tasks: list[Task]) -> int:
        """Store the tasks in the batch's jobs, which are closed once there is nothing more to add now."""
        all_at_once = attrs.evolve(batch, concurrency=batch.size)
        placed = await self.jobs.place(batch.batch_id, tasks)
        added = await self.parts.batches.submit(all_at_once, placed, queue_size=MAX_QUEUE_SIZE)
        if added < _ITEMS_AT_ONCE:
            await self.jobs.close(batch.batch_id)
        return added

    async def _next(self, batch: Batch, count: int) -> list[tuple[int, Submission]]:
        """Return the next items and their numbers: new ones first, then failed tasks to be made again."""
        if count <= 0:
            return []
        if batch.submitted < batch.size:
            plan = await self._plan(batch.batch_id)
            numbers = range(batch.submitted, min(batch.size, batch.submitted + count))
            return [(number, plan.submission(number)) for number in numbers]
        failed = await self.parts.batches.failed(batch, limit=count) if batch.retried_until else ()
        return [
            (task.batch.item, Submission.again(task, verb="retry", idempotency_key=None))
            for task in failed
            if task.batch is not None and task.batch.item is not None
        ]

    async def _pause(self, batch: Batch, reason: PauseReason, detail: Message) -> None:
        _log.warning("a batch is paused", extra={"batch_id": batch.batch_id, "reason": str(detail)})
        await self.parts.batches.pause(batch.batch_id, reason, detail)

    async def _plan(self, batch_id: str) -> BatchPlan:
        plan = self._plans.pop(batch_id, None) or await self.parts.batches.plan(batch_id)
        self._plans[batch_id] = plan
        if len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan


def distinct_requests(plan: BatchPlan) -> Iterator[Submission]:
    """Yield the first request of each target with other parameters than those before."""
    keys = set[tuple[str | None, str | None, bytes]]()
    for number in range(plan.size if plan.items else len(plan.targets)):
        submission = plan.submission(number)
        key = (submission.provider_name, submission.model_id, canonical_json(submission.params))
        if key not in keys:
            keys.add(key)
            yield submission


def _digest(batch: Batch, plan: BatchPlan) -> str:
    ceiling = batch.max_cost
    parts = {
        "plan": attrs.asdict(plan),
        "batch": [batch.name, batch.mode, batch.concurrency, batch.on_failure],
        "max_cost": None if ceiling is None else [str(ceiling.amount), ceiling.currency],
    }
    return hashlib.sha256(canonical_json(parts)).hexdigest()
