"""Plan the paid calls of a task, and under which configuration each of them is made."""

from collections.abc import Iterable, Mapping

import attrs

from imagegen_core.attempt import Attempt, Phase, may_be_charged, may_send
from imagegen_core.errors import (
    Failure,
    FailureCode,
    ModelNotAvailable,
    ProviderDisabled,
    ProviderNotConfigured,
    Refusal,
    Unavailable,
)
from imagegen_core.execution.sealed_calls import SentCall, open_call
from imagegen_core.execution.sealed_overrides import open_override
from imagegen_core.models import Model, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.requests import ImageRequest
from imagegen_core.task import Task
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider

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
