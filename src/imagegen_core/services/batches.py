"""What callers do with batches, and the loop that submits their items as earlier ones end."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

import attrs

from imagegen_core.batch import Batch, BatchPlan, BatchStatus, BatchVerb, PauseReason, ceiling_problem
from imagegen_core.costs import Cost, total
from imagegen_core.errors import ImagegenError, InsufficientStorage, Refusal, Unavailable, ValidationFailed
from imagegen_core.limits import MAX_QUEUE_SIZE
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.ports.batches import OWNER_PREFIX
from imagegen_core.ports.cluster import BATCHES
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.running.batch_jobs import BatchJobs
from imagegen_core.services.estimates import Choice
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

    # ---------------------------------------------------------------- create and change

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
        if idempotency_key is not None:
            digest = await asyncio.to_thread(_digest, batch, plan)
            batch = attrs.evolve(batch, idempotency_key=idempotency_key, body_digest=digest)
            if (earlier := await self.parts.batches.replay(batch)) is not None:
                return earlier, True
        plan, estimate = await self._checked(batch, plan)
        if not self.parts.has_room():
            raise InsufficientStorage
        new_id, now = self.parts.new_id(), self.parts.clock.now()
        new = attrs.evolve(batch, batch_id=new_id, size=plan.size, estimate=estimate, created_at=now)
        stored = await self.parts.batches.add(new, plan)
        self.parts.cluster.tell(BATCHES, stored.batch_id)
        return stored, stored.batch_id != new_id

    async def estimate(self, batch: Batch, plan: BatchPlan) -> tuple[Cost, ...]:
        """Return what a batch would cost, by currency, after the checks of `create`; nothing is stored."""
        batch.check()
        plan.check()
        return (await self._checked(batch, plan))[1]

    async def _checked(self, batch: Batch, plan: BatchPlan) -> tuple[BatchPlan, tuple[Cost, ...]]:
        """Refuse what could not be submitted; return the plan with all targets named, and the estimate."""
        if batch.mode == "vendor" and plan.fallback:
            raise ValidationFailed.for_field("fallback", ProblemCode.NOT_WITH_ACTION(action="mode: vendor"))
        orders = dict[Target, Sequence[Choice]]()
        sent_in_jobs = set[tuple[Target, bytes]]()  # what was checked: one of each target and parameters
        estimate: tuple[Cost, ...] = ()
        for number in range(plan.size):
            if number % _CHECKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            submission = plan.submission(number)
            target = Target(submission.provider_name, submission.model_id)
            try:
                submission.check_shape()
                if target not in orders:
                    orders[target] = await self._order(batch, submission)
                    if address := orders[target][0][0].config.api_base:
                        await self.parts.check_address(address)
                quotes = self.tasks.estimates.quoted(submission, orders[target])
            except ValidationFailed as error:
                raise error.with_fields({"prompt": plan.field(number)}) from error
            if batch.mode == "vendor":
                request = (target, canonical_json(submission.params))
                if request not in sent_in_jobs:
                    await self.jobs.check(submission, *orders[target][0])
                    sent_in_jobs.add(request)
            if (problem := ceiling_problem(quotes, batch.max_cost)) is not None:
                raise ValidationFailed.for_field("max_cost", problem)
            estimate = total((*estimate, *quotes))
        firsts = ((target, *order[0]) for target, order in orders.items())
        names = {target: Target(first.config.provider_name, model.id) for target, first, model in firsts}
        return plan.named(names), estimate

    async def _order(self, batch: Batch, submission: Submission) -> Sequence[Choice]:
        """Return the providers to ask, in order, at the prices of the batch's mode."""
        order = await self.tasks.estimates.order(submission)
        if batch.mode == "vendor":
            return [(provider, model.in_batch) for provider, model in order]
        return order

    async def change(self, batch_id: str, verb: BatchVerb) -> Batch:
        """Submit no more of a batch for now, go on with it, cancel it for good, or make again what failed.

        What waits or runs goes on to its end, unless the batch is cancelled. All tasks that have failed are
        made again, each once, and those that run now and fail; it is paid for. A batch that the verb does not
        fit stays as it is, so this may be repeated.
        """
        await self.parts.batches.change(batch_id, verb, now=self.parts.clock.now())
        batch = await self.parts.batches.get(batch_id)
        if batch.open and batch.status is BatchStatus.CANCELLED:
            await self.tasks.cancel_all(TaskFilter(batch_id=batch_id))
            batch = await self.parts.batches.get(batch_id)
        self.parts.cluster.tell(BATCHES, batch_id)
        return batch

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
                    await self._submit_forever()
            except ImagegenError as error:
                _log.warning("batches wait for the database", extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("submitting batches failed")
            await self.parts.clock.sleep(_RETRY_SECONDS)

    async def _submit_forever(self) -> None:
        try:
            while True:
                self._wake.clear()
                if not await self.submit_some():
                    await self.jobs.look()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS):
                            await self._wake.wait()
        finally:
            await self.jobs.stop()  # before another node has the slot

    async def submit_some(self) -> bool:
        """Submit the next items of each running batch; return whether there may be more right now."""
        has_more = False
        for batch in await self.parts.batches.unfinished():
            try:
                if (
                    batch.status is BatchStatus.CANCELLED
                ):  # by a process that died before it had cancelled all
                    waiting = TaskFilter(status=TaskStatus.PENDING, batch_id=batch.batch_id)
                    await self.tasks.cancel_all(waiting)
                elif await self._submit_of(batch) == _ITEMS_AT_ONCE:
                    has_more = True
            except ImagegenError:
                raise
            except Exception:  # noqa: BLE001 - logged, and tried again: it holds up no other, and no job
                _log.exception("a batch cannot be submitted", extra={"batch_id": batch.batch_id})
        return has_more

    async def _submit_of(self, batch: Batch) -> int:
        in_jobs = batch.mode == "vendor"
        tasks: list[Task] = []
        try:
            for number, submission in await self._next(batch):
                ticks = 0
                if batch.max_cost is not None:  # in its currency, of the dearest that may be asked
                    quotes = self.tasks.estimates.quoted(submission, await self._order(batch, submission))
                    if (problem := ceiling_problem(quotes, batch.max_cost)) is not None:
                        await self._pause(batch, "max_cost", problem)
                        return 0
                    ticks = sum(quote.ticks or 0 for quote in quotes)
                task = await self.tasks.new_task(submission, self.parts.new_id())
                place = BatchPlace(batch_id=batch.batch_id, item=number, quote_ticks=ticks)
                tasks.append(attrs.evolve(task, batch=place))
        except (Unavailable, InsufficientStorage) as error:
            _log.warning("a batch waits", extra={"batch_id": batch.batch_id, "reason": str(error)})
        except Refusal as refusal:
            await self._pause(batch, "failure", refusal.advice)
            return 0
        room = -(-self.tasks.queue_size // 2)  # the other half is for tasks that come by themselves
        if in_jobs:  # of which any number may be open, and none is in the queue
            tasks = [task.claim(OWNER_PREFIX, self.parts.clock.now()) for task in tasks]
            batch, room = attrs.evolve(batch, concurrency=batch.size), MAX_QUEUE_SIZE
        added = await self.parts.batches.submit(batch, tasks, queue_size=room) if tasks else 0
        if added:
            await self.parts.queue.wake()
        return added

    async def _next(self, batch: Batch) -> list[tuple[int, Submission]]:
        """Return the next items and their numbers: new ones first, then failed tasks to be made again."""
        room = batch.size if batch.mode == "vendor" else batch.concurrency - batch.open
        count = min(room, _ITEMS_AT_ONCE)
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
        now = self.parts.clock.now()
        await self.parts.batches.change(batch.batch_id, "pause", now=now, reason=reason, detail=detail)

    async def _plan(self, batch_id: str) -> BatchPlan:
        plan = self._plans.pop(batch_id, None) or await self.parts.batches.plan(batch_id)
        self._plans[batch_id] = plan
        if len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan


def _digest(batch: Batch, plan: BatchPlan) -> str:
    ceiling = batch.max_cost
    settings = [batch.name, batch.mode, batch.concurrency, batch.on_failure]
    settings += [] if ceiling is None else [ceiling.text, ceiling.currency]
    return hashlib.sha256(canonical_json([attrs.asdict(plan), settings])).hexdigest()
