"""How a task is settled, for every combination of outcomes of its parts."""

from datetime import timedelta

import pytest

from imagegen_core import FailureCode, TaskStatus
from imagegen_core.attempt import AttemptOutcome
from imagegen_core.errors import CallError
from imagegen_core.messages import upstream_text
from imagegen_core.policies import RetryPolicy, settle
from imagegen_core.task import Task
from tests.contracts.samples import NOW, a_task

RETRY = RetryPolicy(base=2.0, factor=3.0, jitter=0.5)

STORED = AttemptOutcome()


def failed(code, *, is_recoverable=False, **more) -> AttemptOutcome:
    return AttemptOutcome(error=CallError(code, "its words", **more), is_recoverable=is_recoverable)


KEPT = failed(FailureCode.STORAGE_FAILED, is_recoverable=True)
STORE_AWAY = failed(FailureCode.STORAGE_FAILED, is_recoverable=True, is_transient=True)
LINE_CUT = failed(FailureCode.DOWNLOAD_FAILED, is_recoverable=True, is_transient=True)


REFUSED = failed(FailureCode.CONTENT_POLICY)
BUSY = failed(FailureCode.RATE_LIMITED, not_started=True)
DOWN = failed(FailureCode.UNAVAILABLE, not_started=True)
ASKS_FOR_A_MINUTE = failed(FailureCode.RATE_LIMITED, not_started=True, retry_after=60.0)
ASKS_FOR_A_DAY = failed(FailureCode.RATE_LIMITED, not_started=True, retry_after=86400.0)
UNKNOWN = failed(FailureCode.OUTCOME_UNKNOWN)

PENDING, COMPLETED, FAILED, CANCELLED = (
    TaskStatus.PENDING,
    TaskStatus.COMPLETED,
    TaskStatus.FAILED,
    TaskStatus.CANCELLED,
)


def settled(outcomes, *, cancelled=False, random=0.0, **changes) -> Task:
    running = a_task(status=TaskStatus.PROCESSING, attempts=1, **changes)
    return settle(
        running,
        outcomes,
        cancelled=cancelled,
        now=NOW,
        retry=RETRY,
        random=lambda: random,
    )


@pytest.mark.parametrize(
    ("outcomes", "cancelled", "status", "code"),
    [
        ([STORED], False, COMPLETED, None),
        ([STORED, STORED], True, COMPLETED, None),
        ([STORED, REFUSED], False, COMPLETED, None),
        ([STORED, REFUSED], True, CANCELLED, FailureCode.CANCELLED),
        ([STORED, BUSY], False, PENDING, None),
        ([STORED, BUSY, REFUSED], False, PENDING, None),
        ([STORED, BUSY], True, CANCELLED, FailureCode.CANCELLED),
        ([STORED, KEPT], True, PENDING, None),
        ([STORED, STORE_AWAY], True, PENDING, None),
        ([BUSY], False, PENDING, None),
        ([BUSY], True, CANCELLED, FailureCode.CANCELLED),
        ([BUSY, REFUSED], False, FAILED, FailureCode.CONTENT_POLICY),
        ([REFUSED, UNKNOWN], False, FAILED, FailureCode.OUTCOME_UNKNOWN),
    ],
)
def test_how_a_task_ends(outcomes, cancelled, status, code):
    """Stored images complete the task, unless something can be retried or the caller cancelled."""
    task = settled(outcomes, cancelled=cancelled)

    assert (status, code) == (task.status, task.failure and task.failure.code)


@pytest.mark.parametrize(
    ("outcomes", "charged"), [([REFUSED], False), ([UNKNOWN], True), ([REFUSED, STORED], True)]
)
def test_cancelling_says_what_may_have_been_charged(outcomes, charged):
    """A stored image was charged for as well."""
    assert charged is settled(outcomes, cancelled=True).failure.possible_charge


@pytest.mark.parametrize(
    ("outcomes", "retries", "random", "seconds"),
    [
        ([DOWN], 0, 0.0, 2.0),
        ([DOWN], 1, 0.0, 6.0),
        ([DOWN], 0, 1.0, 3.0),
        ([DOWN, ASKS_FOR_A_MINUTE], 0, 0.0, 60.0),
        ([DOWN], 9, 0.0, 60.0),
        ([ASKS_FOR_A_DAY], 0, 0.0, 3600.0),
    ],
)
def test_it_waits_as_long_as_the_slowest_asks(outcomes, retries, random, seconds):
    """The backoff grows with each retry, plus jitter, up to a minute; a provider may ask for an hour."""
    task = settled(outcomes, retries=retries, random=random, max_retries=10)

    assert (NOW + timedelta(seconds=seconds), retries + 1) == (task.not_before, task.retries)


@pytest.mark.parametrize(("outcome", "attempts"), [(BUSY, 0), (DOWN, 1)])
def test_a_rate_limit_is_no_attempt(outcome, attempts):
    """A 429 means that the provider did nothing at all."""
    assert attempts == settled([outcome]).attempts


def test_retries_come_to_an_end():
    """Then the stored images complete the task, and the last error says why others are missing."""
    alone = settled([DOWN], retries=3)
    beside_an_image = settled([STORED, DOWN], retries=3)

    assert (FAILED, FailureCode.UNAVAILABLE) == (alone.status, alone.failure.code)
    assert COMPLETED is beside_an_image.status
    assert ["one image is missing: unavailable: its words"] == [str(w) for w in beside_an_image.warnings]


@pytest.mark.parametrize("outcomes", [[KEPT, REFUSED], [LINE_CUT], [KEPT, STORE_AWAY]])
def test_a_spooled_response_is_stored_again_with_growing_pauses(outcomes):
    """Nothing is sent for it, so it counts neither as a retry nor as a response that crashes its process."""
    task, waits = a_task(), []
    for count in (1, 2, 3):
        task = settled(outcomes, config_snapshot=task.config_snapshot, epoch=count)
        waits.append((task.not_before - NOW).total_seconds())
        assert (PENDING, count, 0, 0) == (task.status, task.store_failures, task.recoveries, task.retries)

    assert [5, 20, 80] == waits


@pytest.mark.parametrize(
    ("epoch", "cancelled", "seconds", "failures"),
    [(1, False, 5, 0), (2, False, 10, 0), (3, False, 20, 0), (5000, False, 20, 0), (5000, True, 5, 1)],
)
def test_a_store_that_does_not_answer_counts_only_once_the_task_is_cancelled(
    epoch, cancelled, seconds, failures
):
    """It says nothing about the result, but a caller who cancelled waits for an end."""
    task = settled([STORE_AWAY, REFUSED], epoch=epoch, cancelled=cancelled)

    assert (PENDING, NOW + timedelta(seconds=seconds)) == (task.status, task.not_before)
    assert (failures, 0, 0) == (task.store_failures, task.recoveries, task.retries)


def test_warnings_are_listed_once_and_losses_each():
    """Also those of a call that yielded some images and lost others."""
    lost = CallError(FailureCode.INVALID_IMAGE, "no image")
    part = AttemptOutcome(failures=(lost,), warnings=(upstream_text("the size was changed"),))

    assert [
        "the size was changed",
        "one image is missing: invalid_image: no image",
        "one image is missing: invalid_image: no image",
    ] == [str(warning) for warning in settled([part, part]).warnings]
