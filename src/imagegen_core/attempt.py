"""One paid call of a task: its phases, its outcome, and what follows from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.config import ProviderConfig
from imagegen_core.costs import Cost
from imagegen_core.errors import CallError, Failure, FailureCode, IllegalTransition
from imagegen_core.facts import Price
from imagegen_core.messages import Message, as_messages
from imagegen_core.task import MAX_RECOVERIES, Task
from imagegen_core.values import frozen_json, valid_text


class Phase(StrEnum):
    """How far an attempt has come; each phase is on disk before the step after it.

    A phase that nothing follows from is stored with the next change: see `RunningTask.stage`.

    ========== ============================================ =========================== =========
    phase      committed before …                           after a restart             charge
    ========== ============================================ =========================== =========
    reserved   anything is sent                             sent, as if new             none
    submitting the first byte is sent                       outcome unknown             possible
    accepted   the first poll, with the upstream job id     polling is resumed          certain
    received   decoding, with the response on disk          decoded again, for free     certain
    stored     its images are shown, and are on disk        nothing to do               certain
    failed     –                                            nothing to do               as known
    ========== ============================================ =========================== =========
    """

    RESERVED = "reserved"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    RECEIVED = "received"
    STORED = "stored"
    FAILED = "failed"


class Charge(StrEnum):
    """Whether an attempt cost money, as far as known."""

    NONE = "none"
    CERTAIN = "certain"
    POSSIBLE = "possible"


_TRANSITIONS: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.RESERVED: (Phase.SUBMITTING, Phase.FAILED),
    Phase.SUBMITTING: (Phase.ACCEPTED, Phase.RECEIVED, Phase.FAILED),
    Phase.ACCEPTED: (Phase.RECEIVED, Phase.FAILED),
    Phase.RECEIVED: (Phase.STORED, Phase.FAILED),
    Phase.STORED: (),
    Phase.FAILED: (),
}


@attrs.frozen(kw_only=True)
class UpstreamJob:
    """A job that a provider accepted: its upstream id, and the adapter's own JSON to poll it with."""

    id: str = attrs.field(converter=valid_text)
    data: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_json)
    expires_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Receipt:
    """A provider's response in the adapter's own JSON: URLs, or names of spooled files.

    ``stored`` are the positions of images already stored, even if deleted since.
    """

    data: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_json)
    stored: tuple[int, ...] = ()


MAX_INLINE_RESPONSE_BYTES = 64 * 1024  # a longer response is spooled to a file


@attrs.frozen(kw_only=True)
class InlineResponse:
    """A short response, stored with its attempt; the provider spooled it as ``name``."""

    name: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SentConfig:
    """The configuration of a call, as text; ``sealed`` if it contains secrets."""

    text: str = attrs.field(repr=False)
    sealed: bool


@attrs.frozen(kw_only=True)
class Attempt:
    """One paid call. ``number`` counts a task's attempts from 1, ``part`` its parallel calls from 0.

    When it or its task ends, ``config`` and ``price``, both as of sending, are wiped; so is ``response``,
    unless it `keeps_response`. ``cost`` is a quote at first; None where calls cost nothing.
    """

    attempt_id: str
    task_id: str
    number: int
    part: int
    created_at: datetime
    updated_at: datetime
    phase: Phase = Phase.RESERVED
    charge: Charge = Charge.NONE
    job: UpstreamJob | None = None
    receipt: Receipt | None = None
    response: InlineResponse | None = None
    failure: Failure | None = None
    config: SentConfig | None = None
    price: Price | None = None
    cost: Cost | None = None

    def _transition(self, phase: Phase, now: datetime, **changes: Any) -> "Attempt":
        if phase not in _TRANSITIONS[self.phase]:
            raise IllegalTransition(f"attempt {self.attempt_id}", self.phase, phase)
        return attrs.evolve(self, phase=phase, updated_at=now, **changes)

    def submitting(
        self,
        now: datetime,
        *,
        config: SentConfig | None = None,
        price: Price | None = None,
        quoted: Cost | None = None,
    ) -> "Attempt":
        """Return the attempt being sent; from now on the quote may have been charged."""
        return self._transition(
            Phase.SUBMITTING, now, charge=Charge.POSSIBLE, config=config, price=price, cost=quoted
        )

    def accepted(self, now: datetime, job: UpstreamJob) -> "Attempt":
        return self._transition(Phase.ACCEPTED, now, charge=Charge.CERTAIN, job=job)

    def received(self, now: datetime, receipt: Receipt, response: InlineResponse | None = None) -> "Attempt":
        """Return the attempt with its response: a short one inline, a longer one spooled."""
        return self._transition(
            Phase.RECEIVED, now, charge=Charge.CERTAIN, receipt=receipt, response=response
        )

    def with_images(self, positions: Iterable[int]) -> "Attempt":
        """Return the attempt with some of its images stored, while it waits for the others."""
        receipt = self.receipt or Receipt()
        stored = tuple(sorted({*receipt.stored, *positions}))
        return attrs.evolve(self, receipt=attrs.evolve(receipt, stored=stored))

    def stored(self, now: datetime, *, lost: Failure | None = None) -> "Attempt":
        """Return the attempt with its images stored; ``lost`` is the failure of one that could not be."""
        return self._end(Phase.STORED, now, lost)

    def failed(self, now: datetime, failure: Failure) -> "Attempt":
        """Return the failed attempt; ``failure`` decides its charge."""
        charge, cost = Charge.NONE, None
        if failure.possible_charge:
            charge = Charge.CERTAIN if self.charge is Charge.CERTAIN else Charge.POSSIBLE
            cost = self.cost
        return self._end(Phase.FAILED, now, failure, charge=charge, cost=cost)

    def _end(self, phase: Phase, now: datetime, failure: Failure | None, **changes: Any) -> "Attempt":
        """End the attempt without upstream data, whose URLs may contain keys; the job's id stays."""
        return self._transition(
            phase,
            now,
            failure=failure,
            job=None if self.job is None else UpstreamJob(id=self.job.id),
            receipt=None,
            response=self.response if _keeps_response(failure) else None,
            config=None,
            price=None,
            **changes,
        )

    def ended_with_task(self, now: datetime, failure: Failure) -> "Attempt":
        """Return the attempt failed with its task; what is known of its charge stays."""
        return self.failed(now, attrs.evolve(failure, possible_charge=self.charge is not Charge.NONE))

    @property
    def is_active(self) -> bool:
        return bool(_TRANSITIONS[self.phase])

    @property
    def keeps_response(self) -> bool:
        """Whether an operator may still need the response: we failed, not the provider."""
        return _keeps_response(self.failure)


def _keeps_response(failure: Failure | None) -> bool:
    return failure is not None and failure.code in (FailureCode.STORAGE_FAILED, FailureCode.INTERNAL)


def may_be_charged(attempts: Iterable[Attempt]) -> bool:
    return any(attempt.charge is not Charge.NONE for attempt in attempts)


def charged_nothing(attempts: Iterable[Attempt]) -> bool:
    """Return whether it is proven that the attempts cost nothing; an accepted job proves nothing."""
    return all(attempt.charge is Charge.NONE and attempt.job is None for attempt in attempts)


_NOT_STARTED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE})

_SILENT_ABOUT_JOBS = _NOT_STARTED | {
    FailureCode.AUTH_FAILED,
    FailureCode.PROVIDER_NOT_CONFIGURED,
    FailureCode.INTERNAL,
}


@attrs.frozen(kw_only=True)
class AttemptOutcome:
    """Outcome of one part of a task; without an ``error`` its images are stored.

    ``is_recoverable``: storing failed, but the response is on disk or can be polled, so a retry is free.
    ``not_begun``: it was unchanged, waiting for a slot, when the service stopped.
    """

    error: CallError | None = None
    is_recoverable: bool = False
    not_begun: bool = False
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)


def may_send(previous: Attempt | None, config: ProviderConfig, *, free: bool) -> bool:
    """Return whether a part whose latest attempt is ``previous`` may send a request now.

    An unknown outcome is repeated only if the operator chose ``on_unknown: retry``, or if a dead process left
    it and the provider's calls are ``free``.
    """
    if previous is None or previous.phase is Phase.RESERVED:
        return True
    if previous.phase is Phase.SUBMITTING:
        return free or config.extra_config.get("on_unknown") == "retry"
    failure = previous.failure
    return failure is not None and (never_started(failure) or retries_unknown(failure, config))


def never_started(failure: Failure) -> bool:
    """Return whether ``failure`` proves that the call never started, so that it may be sent again."""
    return failure.code in _NOT_STARTED and not failure.possible_charge


_NOT_THE_REQUEST = _NOT_STARTED | {
    *(FailureCode.AUTH_FAILED, FailureCode.QUOTA_EXHAUSTED),
    *(FailureCode.PROVIDER_DISABLED, FailureCode.PROVIDER_NOT_CONFIGURED),
}
_GONE_STATUSES = (404, 410)


def may_ask_next(error: CallError) -> bool:
    """Return whether another provider may be asked: this one charged nothing, and not for the request's sake.

    A refused content or parameter ends the task. A refusal of the model may mean that it is retired.
    """
    failure = error.failure
    is_gone = failure.code is FailureCode.REJECTED and (
        error.is_gone or failure.upstream_status in _GONE_STATUSES
    )
    return not failure.possible_charge and (is_gone or failure.code in _NOT_THE_REQUEST)


def may_have_cost(error: CallError, attempt: Attempt) -> bool:
    """Return whether the call that ended with ``error`` in the attempt's phase may have been charged.

    For an accepted call only the provider's word about that call proves that it was free. A key refused while
    polling, or a poll that could not be sent, proves nothing.
    """
    failure = error.failure
    if attempt.phase not in (Phase.ACCEPTED, Phase.RECEIVED):
        return failure.possible_charge
    ours = failure.code is FailureCode.REJECTED and failure.upstream_status is None
    return failure.possible_charge or ours or failure.code in _SILENT_ABOUT_JOBS


def can_retry_for_free(error: CallError, attempt: Attempt, task: Task) -> bool:
    """Return whether the result can be stored or fetched later without paying again."""
    at_hand = attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)
    failed = error.failure.code is FailureCode.STORAGE_FAILED or error.is_transient
    is_bounded = task.cancel_requested or not error.is_outage
    return at_hand and failed and not (is_bounded and task.store_failures >= MAX_RECOVERIES)


def key_was_rejected(error: CallError, attempt: Attempt) -> bool:
    """Return whether the provider rejects the key under which it accepted the call."""
    failure = error.failure
    refused = failure.code is FailureCode.AUTH_FAILED or failure.upstream_status in (401, 403)
    return refused and attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)


def retries_unknown(failure: Failure, config: ProviderConfig) -> bool:
    """Return whether the operator chose to repeat calls with an unknown outcome, and maybe pay twice."""
    return failure.code is FailureCode.OUTCOME_UNKNOWN and config.extra_config.get("on_unknown") == "retry"


_SEVERITY = (
    FailureCode.OUTCOME_UNKNOWN,
    FailureCode.TIMEOUT,
    FailureCode.STORAGE_FAILED,
    FailureCode.DOWNLOAD_FAILED,
    FailureCode.RESULT_EXPIRED,
    FailureCode.BAD_RESPONSE,
    FailureCode.INVALID_IMAGE,
    FailureCode.CONTENT_POLICY,
    FailureCode.REJECTED,
    FailureCode.AUTH_FAILED,
    FailureCode.QUOTA_EXHAUSTED,
)


def most_severe(errors: Iterable[CallError]) -> CallError | None:
    """Return the error that matters most to a person, money first."""
    ranks = {code: rank for rank, code in enumerate(_SEVERITY)}
    return min(errors, key=lambda error: ranks.get(error.failure.code, len(ranks)), default=None)
