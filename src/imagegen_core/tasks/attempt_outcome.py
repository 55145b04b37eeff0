"""How one attempt came out, and what follows from it: sent again, settled, or shown first."""

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
    """How one part of a task came out: ``error`` None means that its images are stored.

    ``is_recoverable``: they could not be stored now, and the answer is on our disk, or still upstream, to try
    again for free. ``held``: it waited for its turn when the service stopped; it is as it was.
    """

    error: CallError | None = None
    is_recoverable: bool = False
    not_begun: bool = False
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)


def may_send(previous: Attempt | None, config: ProviderConfig, *, free: bool) -> bool:
    """Return whether a part whose latest attempt is ``previous`` may send a request now.

    One whose outcome nobody knows is sent again only where the operator chose ``on_unknown: retry``, or
    where a process that died left it and the provider's calls are ``free``.
    """
    if previous is None or previous.phase is Phase.RESERVED:
        return True
    if previous.phase is Phase.SUBMITTING:
        return free or _on_unknown_is_retry(config)
    failure = previous.failure
    return failure is not None and (never_started(failure) or retries_unknown(failure, config))


def never_started(failure: Failure) -> bool:
    """Return whether the attempt that ended so may be made again, since the provider never began it."""
    return failure.code in _NOT_STARTED and not failure.possible_charge


def may_have_cost(error: CallError, attempt: Attempt) -> bool:
    """Return whether the call may have been charged that ended with ``error`` in the attempt's phase.

    Once a provider accepted it, only the provider's word on it says that it cost nothing: neither a key that
    is refused while asking for it, nor a request of ours that could not be made any more.
    """
    failure = error.failure
    if attempt.phase not in (Phase.ACCEPTED, Phase.RECEIVED):
        return failure.possible_charge
    ours = failure.code is FailureCode.REJECTED and failure.upstream_status is None
    return failure.possible_charge or ours or failure.code in _SILENT_ABOUT_JOBS


def can_retry_for_free(error: CallError, attempt: Attempt, task: Task) -> bool:
    """Return whether what could not be stored or fetched is to be had again for free, by us or by polling."""
    at_hand = attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)
    failed = error.failure.code is FailureCode.STORAGE_FAILED or error.is_transient
    return at_hand and failed and task.recoveries < MAX_RECOVERIES


def keeps_response(failure: Failure | None) -> bool:
    """Return whether an answer whose attempt ended so is left to a person: we failed, not the provider."""
    return failure is not None and failure.code in (FailureCode.STORAGE_FAILED, FailureCode.INTERNAL)


def key_was_rejected(error: CallError, attempt: Attempt) -> bool:
    """Return whether the provider does not want the key any more under which it accepted the call."""
    failure = error.failure
    refused = failure.code is FailureCode.AUTH_FAILED or failure.upstream_status in _KEY_STATUSES
    return refused and attempt.phase in (Phase.ACCEPTED, Phase.RECEIVED)


def retries_unknown(failure: Failure, config: ProviderConfig) -> bool:
    """Return whether the operator chose to send again what may have been charged already."""
    return failure.code is FailureCode.OUTCOME_UNKNOWN and _on_unknown_is_retry(config)


def _on_unknown_is_retry(config: ProviderConfig) -> bool:
    return config.extra_config.get("on_unknown") == "retry"


def call_error_from(failure: Failure) -> CallError:
    """Return the error that a stored failure was made from."""
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


def most_severe(errors: list[CallError]) -> CallError | None:
    """Return the error that a person most needs to know of: money first; None when there is none."""

    def rank(error: CallError) -> int:
        code = error.failure.code
        return _SEVERITY.index(code) if code in _SEVERITY else len(_SEVERITY)

    return min(errors, key=rank, default=None)
