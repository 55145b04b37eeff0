"""One paid call of a task: its phases, its outcome, and what follows from that."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.config import ProviderConfig
from imagegen_core.costs import Cost
from imagegen_core.errors import CallError, Failure, FailureCode, IllegalTransition
from imagegen_core.messages import Message, as_messages
from imagegen_core.prices import Price
from imagegen_core.task import MAX_RECOVERIES, Task
from imagegen_core.values import frozen_json, valid_text


class Phase(StrEnum):
    """How far an attempt has come; each phase is on disk before the step that follows it.

    One that nothing follows from is stored with the next change: see `RunningTask.stage`.

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
    """Whether an attempt cost money, as far as can be known."""

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

    ``stored`` are the positions of its images that are stored already, also of those that were deleted since.
    """

    data: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_json)
    stored: tuple[int, ...] = ()


MAX_INLINE_RESPONSE_BYTES = 64 * 1024
"""A longer response is spooled to a file."""


@attrs.frozen(kw_only=True)
class InlineResponse:
    """A short response, stored with its attempt; ``name`` is the one that the provider spooled it under."""

    name: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SentConfig:
    """The configuration under which a call was sent, as text; ``sealed`` if it contains secrets."""

    text: str = attrs.field(repr=False)
    sealed: bool


@attrs.frozen(kw_only=True)
class Attempt:
    """One paid call. ``number`` counts a task's attempts from 1, ``part`` its parallel calls from 0.

    ``config`` is the configuration under which it was sent; wiped when the attempt or its task ends. So are
    ``price``, the model's at that moment, and ``response``, unless it `keeps_response`. ``cost`` is what it
    cost as far as its ``charge`` says that it did: at first a quote, and None where calls cost nothing.
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
        """Return the attempt that is being sent; from now on the provider may have charged what is quoted."""
        return self._transition(
            Phase.SUBMITTING, now, charge=Charge.POSSIBLE, config=config, price=price, cost=quoted
        )

    def accepted(self, now: datetime, job: UpstreamJob) -> "Attempt":
        """Return the attempt that the provider accepted as ``job``."""
        return self._transition(Phase.ACCEPTED, now, charge=Charge.CERTAIN, job=job)

    def received(self, now: datetime, receipt: Receipt, response: InlineResponse | None = None) -> "Attempt":
        """Return the attempt whose response has arrived: a short one is part of it, another one spooled."""
        return self._transition(
            Phase.RECEIVED, now, charge=Charge.CERTAIN, receipt=receipt, response=response
        )

    def with_images(self, positions: Iterable[int]) -> "Attempt":
        """Return the attempt some of whose images are stored while it waits for the others."""
        receipt = self.receipt or Receipt()
        stored = tuple(sorted({*receipt.stored, *positions}))
        return attrs.evolve(self, receipt=attrs.evolve(receipt, stored=stored))

    def stored(self, now: datetime, *, lost: Failure | None = None) -> "Attempt":
        """Return the attempt whose images are stored; ``lost`` is the failure of one that could not be."""
        return self._end(Phase.STORED, now, lost)

    def failed(self, now: datetime, failure: Failure) -> "Attempt":
        """Return the failed attempt; its charge follows from what ``failure`` says about one."""
        charge, cost = Charge.NONE, None
        if failure.possible_charge:
            charge = Charge.CERTAIN if self.charge is Charge.CERTAIN else Charge.POSSIBLE
            cost = self.cost
        return self._end(Phase.FAILED, now, failure, charge=charge, cost=cost)

    def _end(self, phase: Phase, now: datetime, failure: Failure | None, **changes: Any) -> "Attempt":
        """Return the attempt without the upstream's data but for the job's id: its URLs may contain keys."""
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
        """Return the attempt failed together with its task; what is known of its charge stays."""
        charged = self.charge is not Charge.NONE
        return self.failed(now, attrs.evolve(failure, possible_charge=charged))

    @property
    def is_active(self) -> bool:
        """Whether its phase is not final."""
        return bool(_TRANSITIONS[self.phase])

    @property
    def keeps_response(self) -> bool:
        """Whether its response is kept for an operator although it has ended: we failed, not the provider."""
        return _keeps_response(self.failure)

    def after_task(self) -> "Attempt":
        """Return the attempt once its task has ended: nothing resumes it, whatever its phase is."""
        response = self.response if self.keeps_response else None
        return attrs.evolve(self, config=None, price=None, response=response)


def _keeps_response(failure: Failure | None) -> bool:
    return failure is not None and failure.code in (FailureCode.STORAGE_FAILED, FailureCode.INTERNAL)


def costs_of(attempts: Iterable[Attempt]) -> tuple[Cost, ...]:
    """Return what each of the attempts cost, or may have cost, without those that cost nothing."""
    charged = (attempt for attempt in attempts if attempt.charge is not Charge.NONE)
    return tuple(attempt.cost for attempt in charged if attempt.cost is not None)


def may_be_charged(attempts: Iterable[Attempt]) -> bool:
    """Return whether any of the attempts cost money, or may have."""
    return any(attempt.charge is not Charge.NONE for attempt in attempts)


_NOT_STARTED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE})

_SILENT_ABOUT_JOBS = _NOT_STARTED | {
    FailureCode.AUTH_FAILED,
    FailureCode.PROVIDER_NOT_CONFIGURED,
    FailureCode.INTERNAL,
}


@attrs.frozen(kw_only=True)
class AttemptOutcome:
    """Outcome of one part of a task; without an ``error`` its images are stored.

    ``is_recoverable``: its images could not be stored now, but the response is on our disk or can still be
    polled, so that trying again costs nothing. ``not_begun``: it was still waiting for a slot when the
    service stopped, and has not changed.
    """

    error: CallError | None = None
    is_recoverable: bool = False
    not_begun: bool = False
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)


def may_send(previous: Attempt | None, config: ProviderConfig, *, free: bool) -> bool:
    """Return whether a part whose latest attempt is ``previous`` may send a request now.

    An attempt with an unknown outcome is repeated only if the operator chose ``on_unknown: retry``, or if a
    dead process left it behind and the provider's calls are ``free``.
    """
    if previous is None or previous.phase is Phase.RESERVED:
        return True
    if previous.phase is Phase.SUBMITTING:
        return free or config.extra_config.get("on_unknown") == "retry"
    failure = previous.failure
    return failure is not None and (never_started(failure) or retries_unknown(failure, config))


def never_started(failure: Failure) -> bool:
    """Return whether ``failure`` proves that the provider never started the call; it may be sent again."""
    return failure.code in _NOT_STARTED and not failure.possible_charge


def may_have_cost(error: CallError, attempt: Attempt) -> bool:
    """Return whether the call that ended with ``error`` in the attempt's phase may have been charged.

    Once the provider has accepted a call, only its statement about that call proves that it cost nothing. A
    key that is refused while polling proves nothing, and neither does a poll that we could not send.
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
    return at_hand and failed and task.recoveries < MAX_RECOVERIES


def key_was_rejected(error: CallError, attempt: Attempt) -> bool:
    """Return whether the provider now rejects the key under which it accepted the call."""
    failure = error.failure
    refused = failure.code is FailureCode.AUTH_FAILED or failure.upstream_status in (401, 403)
    return refused and attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)


def retries_unknown(failure: Failure, config: ProviderConfig) -> bool:
    """Return whether the operator chose to repeat calls with an unknown outcome, and pay twice if need be."""
    return failure.code is FailureCode.OUTCOME_UNKNOWN and config.extra_config.get("on_unknown") == "retry"


def call_error_from(failure: Failure) -> CallError:
    """Return the call error of a stored failure."""
    return CallError(
        failure.code,
        failure.reason,
        upstream_status=failure.upstream_status,
        upstream_code=failure.upstream_code,
        possible_charge=failure.possible_charge,
    )


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
    """Return the error that matters most to a person, money first; None if there is none."""
    ranks = {code: rank for rank, code in enumerate(_SEVERITY)}
    return min(errors, key=lambda error: ranks.get(error.failure.code, len(ranks)), default=None)
