"""Tell which paid calls a task takes, and how the provider is to be used for each of them."""

from collections.abc import Iterable, Mapping

import attrs

from imagegen_core.errors import (
    ModelNotAvailable,
    ProviderDisabled,
    ProviderNotConfigured,
    Refusal,
    Unavailable,
)
from imagegen_core.execution.sealed_calls import SentCall, open_call
from imagegen_core.execution.sealed_overrides import open_override
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.operations import ImageRequest
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.providers.capabilities import Model, choose_model
from imagegen_core.tasks.attempt import Attempt, Phase, may_be_charged
from imagegen_core.tasks.attempt_outcome import may_send
from imagegen_core.tasks.task import Task
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider

_WITH_UPSTREAM = (Phase.ACCEPTED, Phase.RECEIVED)
_STARTED = (Phase.SUBMITTING, *_WITH_UPSTREAM, Phase.STORED)


@attrs.frozen(kw_only=True)
class PlannedCall:
    """One paid call: what is asked for, and the provider as it is to be used for it."""

    resolved: ResolvedProvider
    call: ProviderCall

    @property
    def is_ambient(self) -> bool:
        """Whether it is made with credentials of this machine."""
        return self.resolved.profile.ambient_credentials is not None

    def may_send(self, previous: Attempt | None) -> bool:
        """Return whether a request may be sent now, after the attempt ``previous``."""
        return may_send(previous, self.resolved.config, free=self.resolved.profile.free)


@attrs.frozen(kw_only=True)
class CallPlan:
    """The calls of a task by part, at least one.

    ``refusal`` says why none may be sent now; ``calls`` are then those that the provider accepted before.
    """

    calls: Mapping[int, PlannedCall]
    refusal: Failure | None = None

    @property
    def free(self) -> bool:
        """Whether none of the calls costs anything."""
        return bool(self.calls) and all(p.resolved.profile.free for p in self.calls.values())

    def parts(self, latest: Mapping[int, Attempt]) -> list[int]:
        """Return all parts of the task with the attempts ``latest``, also those that are not sent."""
        return sorted({*self.calls, *(latest if self.refusal is not None else ())})

    def may_send(self, latest: Mapping[int, Attempt]) -> bool:
        """Return whether any part will be sent now."""
        return self.refusal is None and any(p.may_send(latest.get(n)) for n, p in self.calls.items())


@attrs.frozen(kw_only=True)
class PlanCalls:
    """What is still to be sent goes under the configuration of now.

    What the provider accepted, or has answered, is finished under the one that it was sent under, whatever
    became of that since: changed, switched off, deleted.
    """

    resolve: ResolveProvider
    box: SecretBox

    async def __call__(self, *, task: Task, attempts: tuple[Attempt, ...]) -> CallPlan:
        """Return the calls; all of them are there, unless sending is refused.

        Raises:
            Unavailable: a key cannot be opened now (`KeysLocked`), or the provider cannot be read.
            Refusal: nothing may be sent, and nothing was.
        """
        sent = self._sent(task, attempts)
        try:
            calls = await self._now(task, attempts)
        except Unavailable:
            raise
        except Refusal as refusal:
            if not sent and not any(a.phase in _STARTED for a in attempts):
                raise
            return CallPlan(calls=sent, refusal=refusal_failure(refusal, charged=False))
        return CallPlan(calls={**calls, **sent})

    async def with_current_key(self, *, task: Task, planned: PlannedCall) -> PlannedCall | None:
        """Return the call under the configuration of now, if that has another key for the same place."""
        try:
            calls = await self._now(task, ())
        except Refusal:
            return None
        now = next(iter(calls.values()))
        before, after = planned.resolved, now.resolved
        same_place = (before.reach.origin, before.config.kind) == (after.reach.origin, after.config.kind)
        if not same_place or after.config.api_key in (None, before.config.api_key):
            return None
        return attrs.evolve(now, call=attrs.evolve(now.call, request=planned.call.request))

    async def refusal(self, task: Task) -> Failure | None:
        """Return why nothing of the task may be sent at this moment; None when it may."""
        try:
            await self._resolved(task)
        except Unavailable:
            return None  # the key that it was planned with is at hand
        except Refusal as refusal:
            return refusal_failure(refusal, charged=False)
        return None

    async def _now(self, task: Task, attempts: tuple[Attempt, ...]) -> dict[int, PlannedCall]:
        resolved, model = await self._resolved(task)
        return dict(enumerate(_calls(task.request, resolved, model, attempts)))

    async def _resolved(self, task: Task) -> tuple[ResolvedProvider, Model]:
        override = None if task.override is None else open_override(task.override, self.box, task.task_id)
        resolved = await self.resolve(provider_name=task.provider_name, override=override)
        return resolved, choose_model(resolved.profile.models, task.model_id)

    def _sent(self, task: Task, attempts: tuple[Attempt, ...]) -> dict[int, PlannedCall]:
        latest = {a.part: a for a in attempts}
        calls = {}
        for part, attempt in latest.items():
            if attempt.phase in _WITH_UPSTREAM and attempt.config is not None:
                sent = open_call(attempt.config, self.box, attempt.attempt_id)
                planned = self._as_sent(task, part, sent, attempts)
                # What is not sealed, anybody who can write to the database may have made up.
                if planned is not None and (attempt.config.sealed or not planned.is_ambient):
                    calls[part] = planned
        return calls

    def _as_sent(
        self, task: Task, part: int, sent: SentCall, attempts: tuple[Attempt, ...]
    ) -> PlannedCall | None:
        """Return the call as it was sent; None when this version cannot tell any more how that was."""
        try:
            resolved = self.resolve.again(sent.config)
            calls = _calls(task.request, resolved, _model(task, resolved, sent), attempts)
        except Refusal:
            return None
        return next((call for number, call in enumerate(calls) if number == part), None)


def _model(task: Task, resolved: ResolvedProvider, sent: SentCall) -> Model:
    try:
        return choose_model(resolved.profile.models, task.model_id)
    except ModelNotAvailable:  # a list that came with an earlier version of this service
        return Model(id=task.model_id, remote_id=sent.remote_id, operations=(task.request.operation,))


def _calls(
    request: ImageRequest, resolved: ResolvedProvider, model: Model, attempts: tuple[Attempt, ...]
) -> Iterable[PlannedCall]:
    requests = _as_started(request, resolved.provider.split(request, model, resolved.config), attempts)
    return [
        PlannedCall(
            resolved=resolved,
            call=ProviderCall(call_id="", request=each, model=model, config=resolved.config),
        )
        for each in requests
    ]


def _as_started(
    request: ImageRequest, requests: tuple[ImageRequest, ...], attempts: tuple[Attempt, ...]
) -> tuple[ImageRequest, ...]:
    """Return the calls that the task was begun with, once one of them may have been paid for.

    A configuration that was changed since may say otherwise; then calls that are paid for would be forgotten,
    or others sent for images that are paid for already.
    """
    parts = len({attempt.part for attempt in attempts})
    if parts == len(requests) or not may_be_charged(attempts):
        return requests
    begun = ((request,), request.split())
    return next((calls for calls in begun if len(calls) == parts), requests)


def refusal_failure(refusal: Refusal, *, charged: bool) -> Failure:
    """Return what a task shows of a refusal that came when it was to be sent."""
    code = FailureCode.PROVIDER_NOT_CONFIGURED
    if isinstance(refusal, ProviderDisabled):
        code = FailureCode.PROVIDER_DISABLED
    elif not isinstance(refusal, (ProviderNotConfigured, ModelNotAvailable)):
        code = FailureCode.REJECTED
    return Failure.of(code, refusal.reason, possible_charge=charged)
