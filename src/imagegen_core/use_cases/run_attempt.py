"""Drive one attempt through its phases, each committed before the next step."""

from collections.abc import Callable

import attrs

from imagegen_core.attempt import (
    Attempt,
    AttemptOutcome,
    Phase,
    UpstreamJob,
    call_error_from,
    can_retry_for_free,
    key_was_rejected,
    may_have_cost,
    never_started,
    retries_unknown,
)
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, Failure, FailureCode, ImagegenError
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.execution.call_exchange import CallExchange, spool_owner
from imagegen_core.execution.forwarded_cancel import forwarded_cancel
from imagegen_core.execution.kept_answers import keep_unusable
from imagegen_core.execution.partial_images import PartialImages
from imagegen_core.execution.provider_slots import SlotsClosed
from imagegen_core.execution.redacted_json import redacted_message
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason
from imagegen_core.task import Task
from imagegen_core.use_cases.plan_calls import CallPlan, PlanCalls, PlannedCall
from imagegen_core.use_cases.send_call import SendCall
from imagegen_core.use_cases.store_result import StoreResult


@attrs.frozen(kw_only=True)
class PreparedPart:
    """What one part of a task goes on with: an attempt that is to be run, or the outcome that it already has.

    ``changed`` attempts are to be stored before anything is sent. The response of the ``ended`` one may be
    discarded.
    """

    following: Attempt | AttemptOutcome
    changed: tuple[Attempt, ...] = ()
    ended: Attempt | None = None


@attrs.frozen(kw_only=True)
class RunAttempt:
    """Sends at most one paid request; an attempt that an earlier process left is resumed from its phase."""

    plan: PlanCalls
    send: SendCall
    store_result: StoreResult
    spool: Spool
    events: EventBus
    partial_images: PartialImages
    clock: Clock
    redactor: Redactor
    new_id: Callable[[], str]

    async def __call__(self, *, run: RunningTask, planned: PlannedCall, attempt: Attempt) -> AttemptOutcome:
        """Return the outcome of a prepared attempt; never raises for what a provider does.

        A job whose key the provider rejects by now is polled with the current key, if that is another one.
        """
        active = self._active_call(run, planned, attempt)
        try:
            return await self._drive(active, planned.resolved.max_concurrency)
        except SlotsClosed:
            return AttemptOutcome(not_begun=True)
        except CallError as raw:
            attempt = active.attempt
            if key_was_rejected(raw, attempt):
                newer = await self.plan.with_current_key(task=run.task, planned=planned)
                if newer is not None:
                    return await self(run=run, planned=newer, attempt=attempt)
            error = self._redacted(raw, active.call.config, attempt)
            if not can_retry_for_free(error, attempt, run.task):
                error = await keep_unusable(active, error)
            if can_retry_for_free(error, attempt, run.task):
                return AttemptOutcome(error=error, is_recoverable=True)
            await active.save(attempt.failed(self.clock.now(), error.failure))
            await self._discard_if_stored(active)
            return AttemptOutcome(error=error)
        except ImagegenError:
            raise
        except Exception:
            active.hold_response()  # paid for, and kept for an operator with the attempt that fails
            raise

    def prepare(self, *, task: Task, plan: CallPlan, part: int, previous: Attempt | None) -> PreparedPart:
        """Return what a part goes on with, given its latest attempt; nothing is stored yet."""
        planned = plan.calls.get(part)
        sends = plan.refusal is None and planned is not None and planned.may_send(previous)
        changed: tuple[Attempt, ...] = ()
        # A process that died after storing a final phase left the spooled response behind. One that is only
        # believed to be dead may still be spooling the response of its request, and keeps it aside then.
        ended = previous if previous is not None and not previous.is_active else None
        if previous is not None and previous.phase is Phase.SUBMITTING:
            failure = Failure.from_code(FailureCode.OUTCOME_UNKNOWN, FailureReason.STOPPED_MIDWAY())
            changed = (previous := previous.failed(self.clock.now(), failure),)
        if previous is None or sends:
            if previous is not None and previous.phase is Phase.RESERVED:
                return PreparedPart(following=previous)
            reserved = self.reserved(task, part)
            return PreparedPart(following=reserved, changed=(*changed, reserved), ended=ended)
        if planned is None and previous.is_active and plan.refusal is not None:
            changed = (previous := previous.ended_with_task(self.clock.now(), plan.refusal),)
        return PreparedPart(following=_following(previous, plan.refusal), changed=changed, ended=ended)

    def reserved(self, task: Task, part: int) -> Attempt:
        """Return a new attempt of a part, which is to be stored before anything is sent."""
        now = self.clock.now()
        return Attempt(
            attempt_id=self.new_id(),
            task_id=task.task_id,
            number=task.attempts,
            part=part,
            created_at=now,
            updated_at=now,
        )

    def _active_call(self, run: RunningTask, planned: PlannedCall, attempt: Attempt) -> ActiveCall:
        exchange = CallExchange(
            attempt_id=attempt.attempt_id,
            part=attempt.part,
            response=attempt.response,
            run=run,
            spool_files=self.spool,
            events=self.events,
            partial_images=self.partial_images,
            clock=self.clock,
            redactor=self.redactor,
        )
        return ActiveCall(
            run=run,
            part=attempt.part,
            provider=planned.resolved.provider,
            profile=planned.resolved.profile,
            call=attrs.evolve(planned.call, call_id=attempt.attempt_id),
            exchange=exchange,
        )

    async def _drive(self, active: ActiveCall, max_concurrency: int | None) -> AttemptOutcome:
        """Take the attempt through the phases that it still has to pass: submit, poll, store."""
        is_retry = active.attempt.phase is Phase.RECEIVED
        if active.attempt.phase is not Phase.RESERVED:  # an earlier run may have spooled files elsewhere
            await self.spool.bring(active.exchange.owner)
        if is_retry:
            active.run.ticket.yield_turn()  # the provider has nothing more to do
        else:
            async with active.run.ticket.call(max_concurrency):
                if active.attempt.phase is Phase.RESERVED:
                    await self._submit(active)
                if active.attempt.phase is Phase.ACCEPTED and active.attempt.job is not None:
                    await self._poll(active, active.attempt.job)
        return await self._store(active, is_retry=is_retry)

    async def _submit(self, active: ActiveCall) -> None:
        """Reserved → accepted or received: the one step that may cost money."""
        if (refusal := await self.plan.refusal(active.run.task)) is not None:
            raise call_error_from(refusal)  # checked again: it may have waited long for its slot
        if active.run.cancelled.is_set():
            raise CallError(FailureCode.CANCELLED, FailureReason.CANCELLED_UNSENT())
        await self.send(active=active)

    async def _poll(self, active: ActiveCall, job: UpstreamJob) -> None:
        """Accepted → received: free, for as long as the job takes."""
        async with forwarded_cancel(active, job):
            receipt = await active.provider.poll(active.call, job, active.exchange)
        await active.save(active.received(self.clock.now(), receipt))

    async def _store(self, active: ActiveCall, *, is_retry: bool) -> AttemptOutcome:
        """Received → stored: free, from our disk or a URL that is paid for."""
        received = active.attempt
        outcome = await self.store_result(active=active, is_retry=is_retry)
        await self._discard_if_stored(active)
        failures = tuple(self._redacted(f, active.call.config, received) for f in outcome.failures)
        return attrs.evolve(outcome, failures=failures)

    async def _discard_if_stored(self, active: ActiveCall) -> None:
        if active.attempt is not active.run.closing:
            await self.discard_response(active.run, active.attempt)

    async def discard_response(self, run: RunningTask, attempt: Attempt) -> None:
        """Remove a spooled response, unless it has images that were paid for and are stored nowhere else."""
        if run.has_spooled and not attempt.keeps_response:
            await self.spool.remove(spool_owner(attempt.task_id, attempt.attempt_id))

    def _redacted(self, error: CallError, config: ProviderConfig, attempt: Attempt) -> CallError:
        """Return the error without secrets, fit to be stored and shown: providers echo what they receive."""
        failure = error.failure
        code = failure.upstream_code
        charged = may_have_cost(error, attempt)
        not_started = error.not_started and not charged
        return CallError(
            failure.code,
            redacted_message(failure.reason, self.redactor),
            not_started=not_started,
            retry_after=error.retry_after,
            upstream_status=failure.upstream_status,
            upstream_code=None if code is None else self.redactor.redact(code, limit=100),
            possible_charge=charged,
            resendable=not_started or retries_unknown(failure, config),
            is_transient=error.is_transient,
        )


def _following(previous: Attempt, refusal: Failure | None) -> Attempt | AttemptOutcome:
    """Return the attempt if it is to be resumed, or the outcome that it already has."""
    if previous.phase is Phase.STORED:
        return AttemptOutcome()
    if previous.failure is None:
        return previous
    unsent = refusal is not None and never_started(previous.failure)
    return AttemptOutcome(
        error=call_error_from(refusal if unsent and refusal is not None else previous.failure)
    )
