"""Plan, reserve, send, poll and settle the paid calls of a task; each phase is committed before the next."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import (
    Attempt,
    AttemptOutcome,
    Phase,
    Receipt,
    SentConfig,
    UpstreamJob,
    call_error_from,
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
from imagegen_core.models import Model, choose_model
from imagegen_core.operations import Operation
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.ports.tools import Clock
from imagegen_core.problems import FailureReason
from imagegen_core.redaction import Redactor, redacted_message
from imagegen_core.requests import ImageRequest
from imagegen_core.resolving import ResolvedProvider, ResolveProvider
from imagegen_core.running.exchange import (
    ActiveCall,
    CallExchange,
    PartialImages,
    forwarded_cancel,
    interrupt,
    keep_late_answer,
    keep_unusable,
    spool_owner,
)
from imagegen_core.running.slots import RunningTask, SlotsClosed
from imagegen_core.running.storing import StoreResult
from imagegen_core.secrets import open_fields, seal_fields
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class SentCall:
    """The combined configuration of a call, and the upstream id of its model."""

    config: ProviderConfig
    remote_id: str


def seal_call(
    config: ProviderConfig, model: Model, box: SecretBox, attempt_id: str, *, ambient: bool = False
) -> SentConfig | None:
    """Return what to store in the attempt; it can be opened for this attempt only.

    Returns None if there are secrets and the box is locked. A secret is sealed together with the address it
    is sent to, so that nobody who can write to the database can redirect it. ``ambient``: calls use
    credentials of this machine, whose address must not be changed either.
    """
    fields = {**_fields(config), "remote_id": model.remote_id}
    if not ambient and config.api_key is None and not split_secrets(config.extra_config)[1]:
        return SentConfig(text=seal_fields(fields, str), sealed=False)
    if box.locked:
        return None
    text = seal_fields(fields, partial(box.seal, context=_context(attempt_id)))
    return SentConfig(text=text, sealed=True)


def open_call(config: SentConfig, box: SecretBox, attempt_id: str) -> SentCall:
    """Return the call that `seal_call` stored.

    Raises:
        KeysLocked: the master key is missing or wrong.
    """
    open_text = partial(box.open, config.text, context=_context(attempt_id))
    fields = open_fields(open_text if config.sealed else lambda: config.text)
    remote_id, models, source = fields.pop("remote_id"), fields.pop("models"), fields.pop("source")
    provider_config = ProviderConfig(
        source=ConfigSource(source),
        models=None if models is None else tuple(map(_entry, models)),
        is_unchecked=True,
        is_sent=True,
        **fields,
    )
    return SentCall(config=provider_config, remote_id=remote_id)


def _fields(config: ProviderConfig) -> dict[str, Any]:
    return {
        "provider_name": config.provider_name,
        "source": config.source,
        "kind": config.kind,
        "api_base": config.api_base,
        "api_key": config.api_key,
        "models": None if config.models is None else [attrs.asdict(entry) for entry in config.models],
        "timeout_seconds": config.timeout_seconds,
        "max_retries": config.max_retries,
        "extra_config": dict(config.extra_config),
    }


def _entry(fields: dict[str, Any]) -> ModelEntry:
    names = fields.pop("capabilities")
    return ModelEntry(capabilities=None if names is None else tuple(map(Operation, names)), **fields)


def _context(attempt_id: str) -> str:
    return f"attempt:{attempt_id}"


def seal_override(override: ProviderConfig, box: SecretBox, task_id: str) -> str:
    """Return the token to store in the task; it can be opened for this task only."""
    fields = {
        "provider_name": override.provider_name,
        "api_base": override.api_base,
        "api_key": override.api_key,
        "timeout_seconds": override.timeout_seconds,
        "max_retries": override.max_retries,
    }
    return seal_fields(fields, partial(box.seal, context=_sealed_overrides_context(task_id)))


def open_override(token: str, box: SecretBox, task_id: str) -> ProviderConfig:
    """Return the sealed configuration.

    Raises:
        KeysLocked: the master key is missing or wrong.
    """
    fields = open_fields(partial(box.open, token, context=_sealed_overrides_context(task_id)))
    return ProviderConfig(source=ConfigSource.REQUEST, is_unchecked=True, **fields)


def _sealed_overrides_context(task_id: str) -> str:
    return f"task:{task_id}"


_WITH_UPSTREAM = (Phase.ACCEPTED, Phase.RECEIVED)
_STARTED = (Phase.SUBMITTING, *_WITH_UPSTREAM, Phase.STORED)


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One paid call, and the provider as it is configured for it."""

    resolved: ResolvedProvider
    call: ProviderCall

    @property
    def is_ambient(self) -> bool:
        """Whether it uses credentials of this machine."""
        return self.resolved.profile.ambient_credentials is not None

    def may_send(self, previous: Attempt | None) -> bool:
        """Return whether a request may be sent now, given that ``previous`` was the latest attempt."""
        return may_send(previous, self.resolved.config, free=self.resolved.profile.free)


@attrs.frozen(kw_only=True)
class CallPlan:
    """The calls of a task by part, at least one.

    ``refusal`` says why none may be sent now; then ``calls`` are those that the provider has already
    accepted.
    """

    calls: Mapping[int, PlannedCall]
    refusal: Failure | None = None

    @property
    def free(self) -> bool:
        """Whether none of the calls costs money."""
        return bool(self.calls) and all(p.resolved.profile.free for p in self.calls.values())

    def parts(self, latest: Mapping[int, Attempt]) -> list[int]:
        """Return all parts of the task, including those of ``latest`` that are not sent."""
        return sorted({*self.calls, *(latest if self.refusal is not None else ())})

    def may_send(self, latest: Mapping[int, Attempt]) -> bool:
        """Return whether any part may be sent now."""
        return self.refusal is None and any(p.may_send(latest.get(n)) for n, p in self.calls.items())


@attrs.frozen(kw_only=True)
class PlanCalls:
    """Plans calls that are still to be sent under the current configuration.

    A call that the provider has accepted or answered is finished under the configuration it was sent under,
    even if that has since been changed, disabled or deleted.
    """

    resolve: ResolveProvider
    box: SecretBox

    async def __call__(self, *, task: Task, attempts: tuple[Attempt, ...]) -> CallPlan:
        """Return the plan; it has all calls of the task, unless sending is refused.

        Raises:
            Unavailable: a key cannot be decrypted now (`KeysLocked`), or the configuration cannot be read.
            Refusal: nothing may be sent, and nothing has been sent.
        """
        sent_calls = self._sent_calls(task, attempts)
        try:
            calls = await self._current_calls(task, attempts)
        except Unavailable:
            raise
        except Refusal as refusal:
            if not sent_calls and not any(a.phase in _STARTED for a in attempts):
                raise
            return CallPlan(calls=sent_calls, refusal=refusal_failure(refusal, charged=False))
        return CallPlan(calls={**calls, **sent_calls})

    async def with_current_key(self, *, task: Task, planned: PlannedCall) -> PlannedCall | None:
        """Return the call with the current key, if that is another one for the same target."""
        try:
            calls = await self._current_calls(task, ())
        except Refusal:
            return None
        current = next(iter(calls.values()))
        before, after = planned.resolved, current.resolved
        same_place = (before.reach.origin, before.config.kind) == (after.reach.origin, after.config.kind)
        if not same_place or after.config.api_key in (None, before.config.api_key):
            return None
        return attrs.evolve(current, call=attrs.evolve(current.call, request=planned.call.request))

    async def refusal(self, task: Task) -> Failure | None:
        """Return why no call of the task may be sent at this moment; None if calls may be sent."""
        try:
            await self._resolved(task)
        except Unavailable:
            return None  # the key with which the call was planned is in memory
        except Refusal as refusal:
            return refusal_failure(refusal, charged=False)
        return None

    async def _current_calls(self, task: Task, attempts: tuple[Attempt, ...]) -> dict[int, PlannedCall]:
        resolved, model = await self._resolved(task)
        return dict(enumerate(_calls(task.request, resolved, model, attempts)))

    async def _resolved(self, task: Task) -> tuple[ResolvedProvider, Model]:
        override = None if task.override is None else open_override(task.override, self.box, task.task_id)
        resolved = await self.resolve(provider_name=task.provider_name, override=override)
        return resolved, choose_model(resolved.profile.models, task.model_id)

    def _sent_calls(self, task: Task, attempts: tuple[Attempt, ...]) -> dict[int, PlannedCall]:
        latest = {a.part: a for a in attempts}
        calls = {}
        for part, attempt in latest.items():
            if attempt.phase in _WITH_UPSTREAM and attempt.config is not None:
                sent_call = open_call(attempt.config, self.box, attempt.attempt_id)
                planned = self._as_sent(task, part, sent_call, attempts)
                # An unsealed configuration may have been forged by anybody who can write to the database, so
                # it is never given credentials of this machine.
                if planned is not None and (attempt.config.sealed or not planned.is_ambient):
                    calls[part] = planned
        return calls

    def _as_sent(
        self, task: Task, part: int, sent_call: SentCall, attempts: tuple[Attempt, ...]
    ) -> PlannedCall | None:
        """Return the call as it was sent; None if this version can no longer use its configuration."""
        try:
            resolved = self.resolve.for_sent_call(sent_call.config)
            model = _model(task, resolved, sent_call)
            calls = _calls(task.request, resolved, model, attempts, were_sent=True)
        except Refusal:
            return None
        return next((call for number, call in enumerate(calls) if number == part), None)


def _model(task: Task, resolved: ResolvedProvider, sent_call: SentCall) -> Model:
    try:
        return choose_model(resolved.profile.models, task.model_id)
    except ModelNotAvailable:  # the call was sent by an earlier version, whose list of models had it
        return Model(id=task.model_id, remote_id=sent_call.remote_id, operations=(task.request.operation,))


def _calls(
    request: ImageRequest,
    resolved: ResolvedProvider,
    model: Model,
    attempts: tuple[Attempt, ...],
    *,
    were_sent: bool = False,
) -> Iterable[PlannedCall]:
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

    A configuration that has changed since may split it differently; then calls that are paid for would be
    lost, or others sent for images that are already paid for.
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
    return Failure.from_code(code, refusal.reason, possible_charge=charged)


SUBMIT_SLACK_SECONDS = 5.0
"""Grace beyond the provider's own time-out, which should end the submission first."""


@attrs.frozen(kw_only=True)
class SendCall:
    """Sends one request, once; a response that arrives is stored even if the wait was cancelled."""

    clock: Clock
    box: SecretBox

    async def __call__(self, *, active: ActiveCall) -> None:
        """Send the request of a reserved attempt, and store what the provider accepted or answered.

        Raises:
            CallError: the provider refused it, or took too long.
            StaleTask: another worker has the task; an answer that came all the same is kept aside.
            asyncio.CancelledError: after the response, if there is one, has been stored.
        """
        await active.save(self._submitting(active))
        limit = active.call.config.timeout + SUBMIT_SLACK_SECONDS
        submission = asyncio.create_task(active.provider.submit(active.call, active.exchange))
        cancelling: asyncio.CancelledError | None = None
        try:
            async with asyncio.timeout(limit), forwarded_cancel(active, None):
                await asyncio.wait({submission})
        except TimeoutError:
            cancelling = await interrupt(submission, active.exchange)
        except asyncio.CancelledError as error:
            cancelling = await interrupt(submission, active.exchange) or error
        if cancelling is not None and submission.cancelled():
            raise cancelling
        try:
            answer = submission.result()
        except (TimeoutError, asyncio.CancelledError) as error:
            raise CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=limit)) from error
        try:
            await active.save(self._answered(active, answer))
        except StaleTask:
            await keep_late_answer(active, answer)
            raise
        if cancelling is not None:
            raise cancelling

    def _answered(self, active: ActiveCall, answer: UpstreamJob | Receipt) -> Attempt:
        if isinstance(answer, UpstreamJob):
            return active.attempt.accepted(self.clock.now(), answer)
        return active.received(self.clock.now(), answer)

    def _submitting(self, active: ActiveCall) -> Attempt:
        call = active.call
        return active.attempt.submitting(
            self.clock.now(),
            config=self._sealed(active),
            price=call.model.price,
            quoted=quote(call.request, call.model, is_billed=active.profile.billed),
        )

    def _sealed(self, active: ActiveCall) -> SentConfig | None:
        call, ambient = active.call, active.profile.ambient_credentials is not None
        return seal_call(call.config, call.model, self.box, call.call_id, ambient=ambient)


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
    queue: Queue
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
            queue=self.queue,
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
