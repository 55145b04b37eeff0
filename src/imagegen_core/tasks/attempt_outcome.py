"""Outcome of one attempt, and what follows from it: whether it is sent again, waits, or ends the task."""

from collections.abc import Iterable

import attrs

from imagegen_core.errors import CallError
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import Message, as_messages
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.tasks.attempt import Attempt, Phase
from imagegen_core.tasks.task import MAX_RECOVERIES, Task

_NOT_STARTED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE})
_SILENT_ABOUT_JOBS = _NOT_STARTED | {
    FailureCode.AUTH_FAILED,
    FailureCode.PROVIDER_NOT_CONFIGURED,
    FailureCode.INTERNAL,
}


_KEY_STATUSES = frozenset({401, 403})


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
        return free or _on_unknown_is_retry(config)
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
    refused = failure.code is FailureCode.AUTH_FAILED or failure.upstream_status in _KEY_STATUSES
    return refused and attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)


def retries_unknown(failure: Failure, config: ProviderConfig) -> bool:
    """Return whether the operator chose to repeat calls with an unknown outcome, and pay twice if need be."""
    return failure.code is FailureCode.OUTCOME_UNKNOWN and _on_unknown_is_retry(config)


def _on_unknown_is_retry(config: ProviderConfig) -> bool:
    return config.extra_config.get("on_unknown") == "retry"


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

    def rank(error: CallError) -> int:
        code = error.failure.code
        return _SEVERITY.index(code) if code in _SEVERITY else len(_SEVERITY)

    return min(errors, key=rank, default=None)
