"""Settlement of a task when all its parts have an outcome: it ends, or it is requeued."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message
from imagegen_core.problems.tasks import WarningCode
from imagegen_core.tasks.attempt_outcome import AttemptOutcome, most_severe
from imagegen_core.tasks.policies import RetryPolicy, StorageRetryPolicy
from imagegen_core.tasks.task import Task


def settle(
    task: Task,
    outcomes: Sequence[AttemptOutcome],
    *,
    cancelled: bool,
    now: datetime,
    retry: RetryPolicy,
    storage_retry: StorageRetryPolicy,
    random: Callable[[], float],
) -> Task:
    """Return the running task settled by its outcomes: completed, failed, cancelled, or pending again.

    If some images are stored and others are missing, the task completes once nothing can be retried any more;
    if its caller cancelled it, it is cancelled all the same and says whether it may have been charged.
    """
    if any(outcome.is_recoverable for outcome in outcomes):
        wait = storage_retry.delay(recoveries=task.recoveries)
        return task.requeue(not_before=now + wait, is_recovery=True)
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
