"""What is retried and when, and what becomes of a task once all its parts have an outcome."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import attrs

from imagegen_core.attempt import AttemptOutcome, most_severe
from imagegen_core.errors import CallError, FailureCode, KeysLocked, StorageUnreachable, Unavailable
from imagegen_core.messages import Message, WarningCode
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Calls that provably started nothing: 1, 2, 4, … s apart, or as the provider asks.

    Their number is part of the provider's configuration (``max_retries``), since each delays the caller.

    Args:
        base: seconds before the first retry; each further wait is ``factor`` times as long.
        ceiling: longest backoff, in seconds.
        retry_after_ceiling: longest wait that a provider may ask for, in seconds.
        jitter: random fraction added at most, so that many tasks do not retry in lockstep.
    """

    base: float = 1.0
    factor: float = 2.0
    ceiling: float = 60.0
    retry_after_ceiling: float = 3600.0
    jitter: float = 0.25

    def delay(
        self, error: CallError, *, retries: int, max_retries: int, random: Callable[[], float]
    ) -> float | None:
        """Return the seconds to wait before the call is sent again; None if it must not be.

        ``retries`` is the number of retries so far; ``random`` returns numbers in [0, 1).
        """
        if not error.resendable or retries >= max_retries:
            return None
        backoff = min(self.ceiling, self.base * self.factor**retries)
        retry_after = min(self.retry_after_ceiling, error.retry_after or 0.0)
        return max(backoff, retry_after) * (1 + self.jitter * random())


DOWNLOAD_RETRY_SECONDS = (0.5, 1.0)
"""Waits between the tries of downloading a result that is paid for, while the worker waits.

Few and short, since signed URLs expire; what is still missing then is retried with the task.
"""


def storage_retry_delay(recoveries: int) -> timedelta:
    """Return how long a task waits whose result is paid for and spooled, but could not be stored.

    That is 5, 20, 80 s. Storing it is free, and a full disk or an archive that does not respond takes that
    long to recover; the task's `MAX_RECOVERIES` bounds it.
    """
    return timedelta(seconds=5.0 * 4.0**recoveries)


def deferral(error: Unavailable) -> timedelta:
    """Return how long a task is deferred whose provider's configuration cannot be used now.

    A configuration that cannot be read is tried again soon. A key that cannot be decrypted takes the right
    master key and a restart, and each try costs two synced writes.
    """
    return timedelta(minutes=5) if isinstance(error, KeysLocked) else timedelta(seconds=30)


def sync_backoff(error: Exception, *, attempts: int) -> timedelta:
    """Return the wait after the ``attempts``-th failure of an upload or a removal; tries have no limit.

    It doubles from 5 s up to a ceiling. An archive that does not respond is tried again within a minute,
    because that costs a single request for all entries; an entry that it refuses waits up to an hour, which
    the outbox's `MAX_DEFERRAL` bounds.
    """
    ceiling = 60.0 if isinstance(error, StorageUnreachable) else 3600.0
    return timedelta(seconds=min(ceiling, 5.0 * 2 ** min(max(attempts - 1, 0), 30)))


DISK_RETRY_SECONDS = 1.0
"""Wait before a write that failed on a full or failing disk is tried again; the worker waits with it."""


def settle(
    task: Task,
    outcomes: Sequence[AttemptOutcome],
    *,
    cancelled: bool,
    now: datetime,
    retry: RetryPolicy,
    random: Callable[[], float],
) -> Task:
    """Return the running task settled by its outcomes: completed, failed, cancelled, or pending again.

    If some images are stored and others are missing, the task completes once nothing can be retried any more;
    if its caller cancelled it, it is cancelled all the same and says whether it may have been charged.
    """
    if any(outcome.is_recoverable for outcome in outcomes):
        return task.requeue(not_before=now + storage_retry_delay(task.recoveries), is_recovery=True)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    warnings = _distinct(warning for outcome in outcomes for warning in outcome.warnings)
    some_stored = len(errors) < len(outcomes)
    if errors and cancelled:
        charged = some_stored or any(error.failure.possible_charge for error in errors)
        return task.cancel(now, possible_charge=charged, warnings=warnings)
    error = most_severe([error for error in errors if not error.resendable]) or most_severe(errors)
    if error is None:
        return task.complete(now, warnings=warnings + _losses(outcomes))
    backoff = _backoff(task, errors, retry, random)
    if backoff is not None and (some_stored or error.resendable):
        # A rate limit is no fault of the request: the attempt is given back.
        given_back = error.failure.code is FailureCode.RATE_LIMITED
        attempts = max(0, task.attempts - 1) if given_back else task.attempts
        return task.requeue(not_before=now + backoff, attempts=attempts, is_retry=True)
    if some_stored:
        return task.complete(now, warnings=warnings + _losses(outcomes))
    return task.fail(now, error.failure, warnings=warnings)


def _distinct(warnings: Iterable[Message]) -> tuple[Message, ...]:
    """Return each warning once, and of images of other sizes the first, however many there are."""
    first: dict[object, Message] = {}
    for warning in warnings:
        first.setdefault(warning.code if warning.code is WarningCode.OTHER_SIZE else warning, warning)
    return tuple(first.values())


def _losses(outcomes: Sequence[AttemptOutcome]) -> tuple[Message, ...]:
    """Return a warning for each missing image."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    lost = [*errors, *(failure for outcome in outcomes for failure in outcome.failures)]
    return tuple(
        WarningCode.IMAGE_MISSING(failure=each.failure.code, reason=each.failure.reason) for each in lost
    )


def _backoff(
    task: Task, errors: list[CallError], retry: RetryPolicy, random: Callable[[], float]
) -> timedelta | None:
    """Return the longest wait that any of the errors requires; None if none of them may be retried."""
    waits = [
        retry.delay(error, retries=task.retries, max_retries=task.max_retries, random=random)
        for error in errors
    ]
    return max((timedelta(seconds=wait) for wait in waits if wait is not None), default=None)
