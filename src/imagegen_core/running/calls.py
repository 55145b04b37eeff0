"""Plan, reserve, send, poll and settle the paid calls of a task; each phase is committed before the next."""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import (
    Attempt,
    AttemptOutcome,
    Phase,
    SentConfig,
    can_retry_for_free,
    key_was_rejected,
    may_be_charged,
    may_have_cost,
    may_send,
    never_started,
    retries_unknown,
)
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig, split_secrets
from imagegen_core.costs import quote
from imagegen_core.errors import (
    CallError,
    Failure,
    FailureCode,
    ImagegenError,
    ModelNotAvailable,
    ProviderDisabled,
    ProviderNotConfigured,
    Refusal,
    StaleTask,
    Unavailable,
)
from imagegen_core.messages import FailureReason
from imagegen_core.models import Model, ProviderProfile, choose_model
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.resolving import ResolvedProvider, ResolveProvider
from imagegen_core.running.exchange import ActiveCall, PartialImages, spool_folder
from imagegen_core.running.slots import RunningTask, SlotsClosed
from imagegen_core.running.storing import Storing
from imagegen_core.secrets import open_fields, redacted_failure, seal_fields
from imagegen_core.task import Task

SUBMIT_SLACK_SECONDS = 5.0
"""Grace beyond the provider's own time-out, which should end the submission first."""

_OVERRIDE_FIELDS = ("provider_name", "api_base", "api_key", "timeout_seconds", "max_retries")
_SENT_FIELDS = (*_OVERRIDE_FIELDS, "source", "kind", "models", "extra_config")


def seal_call(
    config: ProviderConfig, model: Model, box: SecretBox, attempt_id: str, *, ambient: bool = False
) -> SentConfig | None:
    """Return what is stored in the attempt; it can be opened for this attempt only.

    None if there are secrets and the box is locked. A secret is sealed together with the address it is sent
    to, so that nobody who can write to the database can redirect it. ``ambient``: calls use credentials of
    this machine, whose address must not be changed either.
    """
    sealed = ambient or config.api_key is not None or bool(split_secrets(config.extra_config)[1])
    if sealed and box.locked:
        return None
    fields = {name: getattr(config, name) for name in _SENT_FIELDS} | {"remote_id": model.remote_id}
    seal = partial(box.seal, context=f"attempt:{attempt_id}") if sealed else str
    return SentConfig(text=seal_fields(fields, seal), sealed=sealed)


def open_call(config: SentConfig, box: SecretBox, attempt_id: str) -> tuple[ProviderConfig, str]:
    """Return the combined configuration that `seal_call` stored, and the upstream id of the model."""
    open_text = partial(box.open, config.text, context=f"attempt:{attempt_id}")
    fields = open_fields(open_text if config.sealed else lambda: config.text)
    remote_id, models, source = fields.pop("remote_id"), fields.pop("models"), fields.pop("source")
    fields["models"] = None if models is None else tuple(map(_entry, models))
    return ProviderConfig(source=ConfigSource(source), is_unchecked=True, is_sent=True, **fields), remote_id


def _entry(fields: dict[str, Any]) -> ModelEntry:
    names = fields.pop("capabilities")
    return ModelEntry(capabilities=None if names is None else tuple(map(Operation, names)), **fields)


def seal_override(override: ProviderConfig, box: SecretBox, task_id: str) -> str:
    """Return the token to store in the task; it can be opened for this task only."""
    fields = {name: getattr(override, name) for name in _OVERRIDE_FIELDS}
    return seal_fields(fields, partial(box.seal, context=f"task:{task_id}"))


def open_override(token: str, box: SecretBox, task_id: str) -> ProviderConfig:
    fields = open_fields(partial(box.open, token, context=f"task:{task_id}"))
    return ProviderConfig(source=ConfigSource.REQUEST, is_unchecked=True, **fields)


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One paid call, and the provider as configured for it."""

    resolved: ResolvedProvider
    call: ProviderCall

    def may_send(self, previous: Attempt | None) -> bool:
        """Return whether a request may be sent now, after ``previous`` as the latest attempt."""
        return may_send(previous, self.resolved.config, free=self.resolved.profile.free)


@attrs.frozen(kw_only=True)
class CallPlan:
    """The calls of a task by part, at least one.

    ``refusal`` says why none may be sent now; then ``calls`` are those already accepted.
    """

    calls: Mapping[int, PlannedCall]
    refusal: Failure | None = None

    def may_send(self, latest: Mapping[int, Attempt]) -> bool:
        """Return whether any part may be sent now."""
        return self.refusal is None and any(p.may_send(latest.get(n)) for n, p in self.calls.items())


@attrs.frozen(kw_only=True)
class Calls:
    """The paid calls of tasks: at most one request each; one that an earlier process left is resumed.

    Unsent calls are planned under the current configuration. One that was accepted or answered is finished
    under the configuration it was sent under, even if that was changed, disabled or deleted.
    """

    parts: Parts
    resolve: ResolveProvider
    partial_images: PartialImages
    storing: Storing

    # ---------------------------------------------------------------- plan

    async def plan(self, task: Task, attempts: tuple[Attempt, ...]) -> CallPlan:
        """Return all calls of the task; if sending is refused, those that were sent, or raise that."""
        sent_calls = self.sent_calls(task, attempts)
        try:
            resolved, model = await self._resolved(task)
            calls = dict(enumerate(_calls(task.request, resolved, model, attempts)))
        except Unavailable:
            raise
        except Refusal as refusal:
            if not sent_calls and all(a.phase in (Phase.RESERVED, Phase.FAILED) for a in attempts):
                raise
            return CallPlan(calls=sent_calls, refusal=refusal_failure(refusal, charged=False))
        return CallPlan(calls={**calls, **sent_calls})

    async def _resolved(self, task: Task) -> tuple[ResolvedProvider, Model]:
        box = self.parts.box
        override = None if task.override is None else open_override(task.override, box, task.task_id)
        resolved = await self.resolve(provider_name=task.provider_name, override=override)
        return resolved, choose_model(resolved.profile.models, task.model_id)

    def sent_calls(
        self,
        task: Task,
        attempts: tuple[Attempt, ...],
        phases: tuple[Phase, ...] = (Phase.ACCEPTED, Phase.RECEIVED),
    ) -> dict[int, PlannedCall]:
        """Return the calls whose attempts are in these phases, as they were sent."""
        calls = {}
        for part, attempt in {a.part: a for a in attempts}.items():
            if attempt.phase in phases and attempt.config is not None:
                config, remote_id = open_call(attempt.config, self.parts.box, attempt.attempt_id)
                with contextlib.suppress(Refusal):  # this version cannot use its configuration
                    resolved = self.resolve.for_sent_call(config)
                    try:
                        model = choose_model(resolved.profile.models, task.model_id)
                    except ModelNotAvailable:  # an earlier version sent it, whose list of models had it
                        model = Model(
                            id=task.model_id, remote_id=remote_id, operations=(task.request.operation,)
                        )
                    planned = _calls(task.request, resolved, model, attempts, were_sent=True)
                    # Anybody who can write to the database may have forged an unsealed configuration, so it
                    # never gets credentials of this machine.
                    is_safe = attempt.config.sealed or resolved.profile.ambient_credentials is None
                    if is_safe and part < len(planned):
                        calls[part] = planned[part]
        return calls

    async def with_current_key(self, task: Task, planned: PlannedCall) -> PlannedCall | None:
        """Return the call with the current key, if that is another one for the same target."""
        try:
            resolved, model = await self._resolved(task)
            current = _calls(task.request, resolved, model, ())[0]
        except Refusal:
            return None
        before, after = planned.resolved, current.resolved
        same_place = (before.reach.origin, before.config.kind) == (after.reach.origin, after.config.kind)
        if not same_place or after.config.api_key in (None, before.config.api_key):
            return None
        return attrs.evolve(current, call=attrs.evolve(current.call, request=planned.call.request))

    # ---------------------------------------------------------------- prepare

    def follow(
        self, run: RunningTask, plan: CallPlan, part: int, previous: Attempt | None
    ) -> Attempt | AttemptOutcome:
        """Return what a part goes on with: an attempt to run, or the outcome that it already has.

        ``previous`` is its latest attempt. Changes are staged, and stored before anything is sent.
        """
        planned, now = plan.calls.get(part), self.parts.clock.now()
        sends = plan.refusal is None and planned is not None and planned.may_send(previous)
        if previous is not None and previous.phase is Phase.SUBMITTING:
            previous = previous.failed(now, stopped_midway())
            run.stage(attempts=(previous,))
        if previous is None or (sends and previous.phase is not Phase.RESERVED):
            reserved = self.reserved(run.task, part)
            run.stage(attempts=(reserved,))
            return reserved
        if previous.phase is Phase.STORED:
            return AttemptOutcome()
        if not sends and planned is None and previous.is_active and plan.refusal is not None:
            previous = previous.ended_with_task(now, plan.refusal)
            run.stage(attempts=(previous,))
        if previous.failure is None:
            run.attempts[part] = previous
            return previous
        unsent = plan.refusal is not None and never_started(previous.failure)
        failure = plan.refusal if unsent and plan.refusal is not None else previous.failure
        return AttemptOutcome(error=CallError.from_failure(failure))

    def reserved(self, task: Task, part: int) -> Attempt:
        """Return a new attempt of a part, to be stored before anything is sent."""
        now = self.parts.clock.now()
        return Attempt(
            attempt_id=self.parts.new_id(),
            task_id=task.task_id,
            number=task.attempts,
            part=part,
            created_at=now,
            updated_at=now,
        )

    def submitting(self, attempt: Attempt, call: ProviderCall, profile: ProviderProfile) -> Attempt:
        """Return the attempt being sent, with what it is finished under, whatever is configured by then."""
        ambient = profile.ambient_credentials is not None
        return attempt.submitting(
            self.parts.clock.now(),
            config=seal_call(call.config, call.model, self.parts.box, attempt.attempt_id, ambient=ambient),
            price=call.model.price,
            quoted=quote(call.request, call.model, is_billed=profile.billed),
        )

    # ---------------------------------------------------------------- run

    async def run(self, run: RunningTask, planned: PlannedCall, attempt: Attempt) -> AttemptOutcome:
        """Return the outcome of a prepared attempt; never raises for what a provider does.

        If the provider now rejects a job's key, it is polled with the current key, if that is another.
        """
        active = ActiveCall(
            parts=self.parts,
            run=run,
            part=attempt.part,
            resolved=planned.resolved,
            call=attrs.evolve(planned.call, call_id=attempt.attempt_id),
            partial_images=self.partial_images,
            response=attempt.response,
        )
        try:
            return await self._drive(active)
        except SlotsClosed:
            return AttemptOutcome(not_begun=True)
        except CallError as raw:
            attempt = active.attempt
            if key_was_rejected(raw, attempt):
                newer = await self.with_current_key(run.task, planned)
                if newer is not None:
                    return await self.run(run, newer, attempt)
            error = self._redacted(raw, active.call.config, attempt)
            if not can_retry_for_free(error, attempt, run.task):
                error = await active.keep_unusable(error)
            if can_retry_for_free(error, attempt, run.task):
                return AttemptOutcome(error=error, is_recoverable=True)
            await run.save_attempt(attempt.failed(self.parts.clock.now(), error.failure))
            await self._discard_if_stored(active)
            return AttemptOutcome(error=error)
        except ImagegenError:
            raise
        except Exception:
            active.stage_response()  # paid for, and kept for an operator with the attempt that fails
            raise

    async def _drive(self, active: ActiveCall) -> AttemptOutcome:
        """Take the attempt through its remaining phases: submit, poll, store."""
        run, is_retry = active.run, active.attempt.phase is Phase.RECEIVED
        if active.attempt.phase is not Phase.RESERVED:  # an earlier run may have spooled files elsewhere
            await self.parts.spool.fetch(active.folder)
        if is_retry:
            run.ticket.yield_turn()  # the provider has nothing more to do
        else:
            async with run.ticket.call(active.resolved.max_concurrency):
                if active.attempt.phase is Phase.RESERVED:
                    await self._submit(active)
                if active.attempt.phase is Phase.ACCEPTED and (job := active.attempt.job) is not None:
                    async with active.forwarded_cancel(job):
                        receipt = await active.resolved.provider.poll(active.call, job, active)
                    await run.save_attempt(active.answered(receipt))
        received = active.attempt
        outcome = await self.storing.store_result(active, is_retry=is_retry)
        await self._discard_if_stored(active)
        failures = tuple(self._redacted(f, active.call.config, received) for f in outcome.failures)
        return attrs.evolve(outcome, failures=failures)

    async def _submit(self, active: ActiveCall) -> None:
        """Reserved → accepted or received: the one step that may cost money.

        The request is sent once. A response that arrives is stored before a cancellation is raised; if
        another worker has the task by then, it is kept aside.
        """
        run, call, profile = active.run, active.call, active.resolved.profile
        try:
            await self._resolved(run.task)  # it may have waited long for its slot
        except Unavailable:
            pass  # the key with which the call was planned is in memory
        except Refusal as refusal:
            raise CallError.from_failure(refusal_failure(refusal, charged=False)) from refusal
        if run.cancelled.is_set():
            raise CallError(FailureCode.CANCELLED, FailureReason.CANCELLED_UNSENT())
        await run.save_attempt(self.submitting(active.attempt, call, profile))
        limit = call.config.timeout + SUBMIT_SLACK_SECONDS
        submission = asyncio.create_task(active.resolved.provider.submit(call, active))
        cancelling: asyncio.CancelledError | None = None
        try:
            async with asyncio.timeout(limit), active.forwarded_cancel(None):
                await asyncio.wait({submission})
        except TimeoutError:
            cancelling = await active.interrupt(submission)
        except asyncio.CancelledError as error:
            cancelling = await active.interrupt(submission) or error
        if cancelling is not None and submission.cancelled():
            raise cancelling
        try:
            answer = submission.result()
        except (TimeoutError, asyncio.CancelledError) as error:
            raise CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=limit)) from error
        try:
            await run.save_attempt(active.answered(answer))
        except StaleTask:
            await active.keep_late_answer(answer)
            raise
        if cancelling is not None:
            raise cancelling

    async def _discard_if_stored(self, active: ActiveCall) -> None:
        if active.attempt is not active.run.closing:
            await self.discard_response(active.run, active.attempt)

    async def discard_response(self, run: RunningTask, attempt: Attempt) -> None:
        """Remove a spooled response, unless paid images are stored nowhere else."""
        if run.has_spooled and not attempt.keeps_response:
            await self.parts.spool.remove(spool_folder(attempt.task_id, attempt.attempt_id))

    def _redacted(self, error: CallError, config: ProviderConfig, attempt: Attempt) -> CallError:
        """Return the error without secrets, fit to be stored and shown: providers echo what they receive."""
        failure = redacted_failure(error.failure, self.parts.redactor)
        charged = may_have_cost(error, attempt)
        not_started = error.not_started and not charged
        return CallError.from_failure(
            attrs.evolve(failure, possible_charge=charged),
            not_started=not_started,
            retry_after=error.retry_after,
            resendable=not_started or retries_unknown(failure, config),
            is_transient=error.is_transient,
            is_gone=error.is_gone,
        )


def _calls(
    request: ImageRequest,
    resolved: ResolvedProvider,
    model: Model,
    attempts: tuple[Attempt, ...],
    *,
    were_sent: bool = False,
) -> list[PlannedCall]:
    try:
        requests = resolved.provider.split(request, model, resolved.config)
    except Refusal:
        if not were_sent:
            raise
        requests = ()  # it was sent by an earlier version, which refused less
    return [
        PlannedCall(
            resolved=resolved,
            call=ProviderCall(call_id="", request=each, model=model, config=resolved.config),
        )
        for each in _as_started(request, requests, attempts)
    ]


def _as_started(
    request: ImageRequest, requests: tuple[ImageRequest, ...], attempts: tuple[Attempt, ...]
) -> tuple[ImageRequest, ...]:
    """Return the calls into which the task was first split, if one of them may have been paid for.

    A changed configuration may split it differently. That would lose paid calls, or pay for images again.
    """
    parts = len({attempt.part for attempt in attempts})
    if parts == len(requests) or not may_be_charged(attempts):
        return requests
    splits = ((request,), request.split())
    return next((calls for calls in splits if len(calls) == parts), requests)


def refusal_failure(refusal: Refusal, *, charged: bool) -> Failure:
    """Return the failure of a task that was refused when it was about to be sent."""
    code = FailureCode.PROVIDER_NOT_CONFIGURED
    if isinstance(refusal, ProviderDisabled):
        code = FailureCode.PROVIDER_DISABLED
    elif not isinstance(refusal, (ProviderNotConfigured, ModelNotAvailable)):
        code = FailureCode.REJECTED
    return Failure(code, refusal.reason, possible_charge=charged)


def stopped_midway() -> Failure:
    """Return the failure of a call whose outcome nobody can know."""
    return Failure(FailureCode.OUTCOME_UNKNOWN, FailureReason.STOPPED_MIDWAY())
