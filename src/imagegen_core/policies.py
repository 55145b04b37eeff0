"""What is retried and when, and how a task ends."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import attrs

from imagegen_core.attempt import AttemptOutcome, may_ask_next, most_severe
from imagegen_core.errors import CallError, FailureCode, KeysLocked, StorageUnreachable, Unavailable
from imagegen_core.messages import Message, WarningCode
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When a call that provably started nothing is sent again: after 1, 2, 4, … s, or as the provider asks.

    All times are in seconds. How often is part of the provider's configuration (``max_retries``).

    Args:
        base: the first wait; each further one is ``factor`` times as long, up to ``ceiling``.
        retry_after_ceiling: longest wait that a provider may ask for.
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
        """Return the seconds to wait before retry ``retries + 1``; None if it must not be sent again."""
        if not error.resendable or retries >= max_retries:
            return None
        backoff = min(self.ceiling, self.base * self.factor**retries)
        retry_after = min(self.retry_after_ceiling, error.retry_after or 0.0)
        return max(backoff, retry_after) * (1 + self.jitter * random())


DOWNLOAD_RETRY_SECONDS = (0.5, 1.0)
"""Waits between downloads of a paid result, short since signed URLs expire; then the task is retried."""


def deferral(error: Unavailable) -> timedelta:
    """Return how long a task waits whose provider's configuration cannot be used now.

    A key that cannot be decrypted waits for a restart with the right master key; a try costs two synced
    writes.
    """
    return timedelta(minutes=5) if isinstance(error, KeysLocked) else timedelta(seconds=30)


def sync_backoff(error: Exception, *, attempts: int) -> timedelta:
    """Return the wait after failure ``attempts`` of an upload or removal: 5 s, doubled each time, endlessly.

    An archive that does not respond is tried within a minute, by one request for all entries. An entry that
    it refuses waits up to an hour, which the outbox's `MAX_DEFERRAL` bounds.
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
    charged_nothing: bool = False,
    now: datetime,
    retry: RetryPolicy,
    random: Callable[[], float],
) -> Task:
    """Return the running task settled by its outcomes: completed, failed, cancelled, or pending again.

    If its provider provably ``charged_nothing`` and another one is named, it goes on to that at once, rather
    than to wait. With some images stored, it completes once nothing can be retried. If its caller cancelled
    it, it is cancelled even so, and says whether it may have been charged.

    A paid result is stored again after 5, 20 and 80 s. A store that does not answer is waited for longer, by
    5, 10, 20, 20, … s, unless the task was cancelled: that says nothing about the result.
    """
    recoverable = [outcome.error for outcome in outcomes if outcome.is_recoverable]
    if recoverable:
        is_outage = not cancelled and all(error is not None and error.is_outage for error in recoverable)
        seconds = 5 * 2 ** (min(task.epoch - 1, 2) if is_outage else 2 * task.store_failures)
        return task.requeue(not_before=now + timedelta(seconds=seconds), store_failed=not is_outage)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    warnings = _distinct(warning for outcome in outcomes for warning in outcome.warnings)
    some_stored = len(errors) < len(outcomes)
    if errors and cancelled:
        charged = some_stored or any(error.failure.possible_charge for error in errors)
        return task.cancel(now, possible_charge=charged, warnings=warnings)
    error = most_severe([error for error in errors if not error.resendable]) or most_severe(errors)
    if error is not None and task.has_next and charged_nothing and all(map(may_ask_next, errors)):
        return task.move_on(now, error.failure)
    waits = [
        retry.delay(e, retries=task.retries, max_retries=task.max_retries, random=random) for e in errors
    ]
    backoff = max((timedelta(seconds=wait) for wait in waits if wait is not None), default=None)
    if error is not None and backoff is not None and (some_stored or error.resendable):
        # A rate limit is no fault of the request: the attempt is given back.
        given_back = error.failure.code is FailureCode.RATE_LIMITED
        attempts = max(0, task.attempts - 1) if given_back else task.attempts
        return task.requeue(not_before=now + backoff, attempts=attempts, retry_for=error.failure.code)
    if error is not None and not some_stored:
        return task.fail(now, error.failure, warnings=warnings)
    return task.complete(now, warnings=warnings + _missing_images(outcomes))


def _distinct(warnings: Iterable[Message]) -> tuple[Message, ...]:
    """Return each warning once, and only the first about images of other sizes."""
    first: dict[object, Message] = {}
    for warning in warnings:
        first.setdefault(warning.code if warning.code is WarningCode.OTHER_SIZE else warning, warning)
    return tuple(first.values())


def _missing_images(outcomes: Sequence[AttemptOutcome]) -> tuple[Message, ...]:
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    lost = [*errors, *(failure for outcome in outcomes for failure in outcome.failures)]
    return tuple(
        WarningCode.IMAGE_MISSING(failure=each.failure.code, reason=each.failure.reason) for each in lost
    )
