"""An attempt: one paid call to a provider, with a recovery point committed before each step."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.costs import Cost
from imagegen_core.errors import IllegalTransition
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.providers.prices import Price
from imagegen_core.values.frozen_mappings import frozen_json
from imagegen_core.values.valid_text import valid_text


class Phase(StrEnum):
    """How far an attempt has come; each phase is on disk before the step that follows it.

    One that nothing follows from is stored with the next change: see `RunningTask.hold`.

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


_TRANSITIONS: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {
        Phase.RESERVED: frozenset({Phase.SUBMITTING, Phase.FAILED}),
        Phase.SUBMITTING: frozenset({Phase.ACCEPTED, Phase.RECEIVED, Phase.FAILED}),
        Phase.ACCEPTED: frozenset({Phase.RECEIVED, Phase.FAILED}),
        Phase.RECEIVED: frozenset({Phase.STORED, Phase.FAILED}),
        Phase.STORED: frozenset(),
        Phase.FAILED: frozenset(),
    }
)


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

    def with_cost(self, cost: Cost | None) -> "Attempt":
        """Return the attempt with what its response shows that it cost."""
        return attrs.evolve(self, cost=cost)

    def stored(self, now: datetime, *, lost: Failure | None = None) -> "Attempt":
        """Return the attempt whose images are stored; ``lost`` is the failure of one that could not be.

        Of the upstream data only the job's id remains.
        """
        return self._transition(Phase.STORED, now, failure=lost, **self._without_upstream_data(lost))

    def failed(self, now: datetime, failure: Failure) -> "Attempt":
        """Return the failed attempt; its charge follows from what ``failure`` says about one."""
        charge = Charge.NONE
        if failure.possible_charge:
            charge = Charge.CERTAIN if self.charge is Charge.CERTAIN else Charge.POSSIBLE
        return self._transition(
            Phase.FAILED,
            now,
            charge=charge,
            cost=None if charge is Charge.NONE else self.cost,
            failure=failure,
            **self._without_upstream_data(failure),
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

    def _without_upstream_data(self, failure: Failure | None) -> dict[str, Any]:
        """Return the fields with upstream data removed: its URLs may contain signatures and keys."""
        job = None if self.job is None else UpstreamJob(id=self.job.id)
        response = self.response if _keeps_response(failure) else None
        return {"job": job, "receipt": None, "response": response, "config": None, "price": None}


def _keeps_response(failure: Failure | None) -> bool:
    return failure is not None and failure.code in (FailureCode.STORAGE_FAILED, FailureCode.INTERNAL)


def costs_of(attempts: Iterable[Attempt]) -> tuple[Cost, ...]:
    """Return what each of the attempts cost, or may have cost, without those that cost nothing."""
    charged = (attempt for attempt in attempts if attempt.charge is not Charge.NONE)
    return tuple(attempt.cost for attempt in charged if attempt.cost is not None)


def may_be_charged(attempts: Iterable[Attempt]) -> bool:
    """Return whether any of the attempts cost money, or may have."""
    return any(attempt.charge is not Charge.NONE for attempt in attempts)
