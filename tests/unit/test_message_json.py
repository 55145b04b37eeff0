"""Messages and failures in rows: what comes back, and what rows of other versions are worth."""

import pytest

from imagegen_adapters.stores.rows import from_json, to_json
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import FailureReason, Message, ProblemCode, WarningCode, upstream_text

REASON = FailureReason.IMAGE_REFUSED(reason=ProblemCode.NOT_ONE_OF(choices=("PNG", "JPEG")))


@pytest.mark.parametrize(
    "message",
    [
        upstream_text("no answer 超时"),
        FailureReason.CANCELLED_BY_CALLER(),
        FailureReason.TOO_SLOW(seconds=1.5),
        WarningCode.IMAGE_MISSING(failure=FailureCode.TIMEOUT, reason=REASON),
    ],
)
def test_a_message_comes_back_as_it_was(message):
    """With lists and other messages in it, so that it is still told in every language."""
    assert message == from_json(to_json(message), Message)


@pytest.mark.parametrize("reason", [upstream_text("no answer"), REASON])
def test_a_failure_comes_back_as_it_was(reason):
    """With all its fields."""
    failure = Failure(
        code=FailureCode.TIMEOUT,
        reason=reason,
        retryable=True,
        possible_charge=True,
        upstream_status=504,
        upstream_code="late",
    )

    assert failure == from_json(to_json(failure), Failure)


def test_rows_of_earlier_versions_are_read():
    """They hold texts alone, which are shown as they are."""
    row = '{"code":"cancelled","message":"cancelled by the caller","retryable":true,"possible_charge":false}'

    assert "cancelled by the caller" == from_json(row, Failure).message
    assert (upstream_text("slow"),) == from_json('["slow"]', tuple[Message, ...])


def test_an_earlier_version_finds_the_text():
    """After going back to it: the text is where it always was."""
    text = to_json(Failure(FailureCode.CANCELLED, FailureReason.CANCELLED_BY_CALLER()))

    assert '"message":"cancelled by the caller"' in text


@pytest.mark.parametrize(
    "stored",
    [
        '{"text":"said then","code":"of_a_later_version","args":{}}',
        '{"text":"said then","code":"too_long","args":{"limit":5}}',
        '{"text":"said then","code":"too_long"}',
        '{"text":"said then","code":"too_long","args":null}',
        '{"text":"said then","code":7,"args":{}}',
        '{"text":"said then","code":"wrong_type","args":{"types":"x"}}',
        '{"text":"said then","code":"image_refused","args":{"reason":{"code":"gone","args":{}}}}',
    ],
)
def test_what_this_version_does_not_know_is_shown_as_its_text(stored):
    """A code that is gone, or takes other arguments now."""
    assert upstream_text("said then") == from_json(stored, Message)
