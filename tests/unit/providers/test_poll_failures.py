"""Which responses to a poll end an accepted job."""

import pytest

from imagegen_adapters.providers.common.calls import PollFailures, is_from_upstream, may_be_json
from imagegen_core.errors import CallError, FailureCode

REFUSED = CallError(FailureCode.AUTH_FAILED, "no", upstream_status=401)
PAGE = CallError(FailureCode.BAD_RESPONSE, "a page")


@pytest.mark.parametrize(
    ("status", "body", "from_upstream"),
    [
        (400, b'{"error": "no"}', True),
        (403, b" [1]", True),
        (404, b"{}", True),
        (302, b'{"error": "no"}', False),
        (407, b'{"error": "no"}', False),
        (403, b"<html>", False),
        (403, b"error code: 1020", False),
        (403, b"1020", False),
        (403, b'"Forbidden"', False),
        (401, b"", False),
        (401, b"[" * 100_000, False),
    ],
)
def test_the_upstream_speaks_json(status, body, from_upstream):
    """Redirects and statuses of proxies are never the provider's own."""
    assert from_upstream is is_from_upstream(status, body)


@pytest.mark.parametrize(
    ("head", "may"),
    [(b'{"a"', True), (b"\r\n [", True), (b"\xef\xbb\xbf{", True), (b"<html>", False), (b"", False)],
)
def test_an_answer_in_json_begins_like_one(head, may):
    """Whatever follows."""
    assert may is may_be_json(head)


def test_the_upstreams_word_ends_a_job_at_once_and_a_refused_key_at_the_third_time():
    """Responses of others do not, however many; progress resets the count."""
    poll_failures = PollFailures()
    for _ in range(100):
        poll_failures.tolerate(PAGE, from_upstream=False)
    for _ in range(2):
        poll_failures.tolerate(REFUSED, from_upstream=True)
    poll_failures.clear()
    for _ in range(2):
        poll_failures.tolerate(REFUSED, from_upstream=True)

    with pytest.raises(CallError) as third:
        poll_failures.tolerate(REFUSED, from_upstream=True)
    with pytest.raises(CallError) as word:
        poll_failures.tolerate(PAGE, from_upstream=True)
    assert (REFUSED, PAGE) == (third.value, word.value)


def test_the_deadline_tells_of_the_last_trouble():
    """A refused key keeps its error; anything else is a time-out that names the cause."""
    calm, paged, refused = PollFailures(), PollFailures(), PollFailures()
    paged.tolerate(PAGE, from_upstream=False)
    refused.tolerate(REFUSED, from_upstream=False)

    errors = [poll_failures.timeout_error(60) for poll_failures in (calm, paged, refused)]

    late = "the job was not done within 60 seconds"
    assert [late, f"{late}; at last: a page", "no"] == [str(error) for error in errors]
    assert [FailureCode.TIMEOUT, FailureCode.TIMEOUT, FailureCode.AUTH_FAILED] == [
        error.failure.code for error in errors
    ]
