"""What the error responses of both providers mean."""

import json
from datetime import UTC, datetime

import pytest

from imagegen_adapters.providers import a1111
from imagegen_adapters.providers.common.json_files import Answer
from imagegen_adapters.providers.document.responses import classify, parse_response
from imagegen_adapters.providers.stability import load_stability
from tests.fakes.samples import sample

SECRET = "alice:correct-horse"
PATH = "/sdapi/v1/extra-single-image"


def call_error(status, headers, body):
    answer = Answer(status=status, headers=headers, body=body, secrets=(SECRET,))
    return a1111.call_error(answer, path=PATH)


def stability_error(status, headers, body):
    response = parse_response(status, headers, body, None)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return classify(response, load_stability().errors, now).submit_error()


def read(error_of, status, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = error_of(status, headers, data)
    return error, error.failure


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sample("a1111", "error", detail="Sampler not found").body, "Sampler not found"),
        (sample("a1111", "invalid", field="steps", message="not an int").body, "steps: not an int"),
        (
            sample("a1111", "crashed", error="OutOfMemoryError", reason="CUDA out of memory.").body,
            "CUDA out of memory.",
        ),
        (sample("a1111", "crashed", error="RuntimeError", reason="").body, "RuntimeError"),
        (b"Internal Server Error", "Internal Server Error"),
        (b"", "the provider answered 500 without a reason"),
        ([1, 2], "[1, 2]"),
        (sample("a1111", "error_of_fastapi", detail="Not Found").body, "Not Found"),
    ],
)
def test_the_useful_sentence_of_a_webui_is_found(body, expected):
    """`detail`, else its first message, else `errors`, else `error`, else the text."""
    assert expected == read(call_error, 500, body)[1].message


@pytest.mark.parametrize(
    ("error_of", "status", "body", "expected"),
    [
        (call_error, 400, {}, ("rejected", False, False)),
        (call_error, 401, {}, ("auth_failed", False, False)),
        (call_error, 404, {}, ("rejected", False, False)),
        (call_error, 422, {}, ("rejected", False, False)),
        (call_error, 429, {}, ("rate_limited", True, False)),
        (call_error, 500, {}, ("outcome_unknown", False, True)),
        (call_error, 503, {}, ("outcome_unknown", False, True)),
        (call_error, 302, {}, ("rejected", False, False)),
        (call_error, 204, {}, ("bad_response", False, True)),
        (stability_error, 400, {"name": "bad_request"}, ("rejected", False, False)),
        (stability_error, 401, {"name": "unauthorized"}, ("auth_failed", False, False)),
        (stability_error, 402, {"name": "payment_required"}, ("quota_exhausted", False, False)),
        (stability_error, 403, {"name": "content_moderation"}, ("content_policy", False, False)),
        (stability_error, 403, {"name": "forbidden"}, ("auth_failed", False, False)),
        (stability_error, 413, {"name": "payload_too_large"}, ("rejected", False, False)),
        (stability_error, 422, {"name": "unprocessable"}, ("rejected", False, False)),
        (stability_error, 429, {"name": "rate_limit_exceeded"}, ("rate_limited", True, False)),
        (stability_error, 500, {"name": "internal_error"}, ("outcome_unknown", False, True)),
        (stability_error, 503, b"<html>", ("outcome_unknown", False, True)),
    ],
)
def test_each_status_says_whether_something_was_started(error_of, status, body, expected):
    """Only 429 proves that nothing was started."""
    error, failure = read(error_of, status, body)

    assert expected == (failure.code, error.not_started, failure.possible_charge)


@pytest.mark.parametrize("body", [b"", b"<html>404</html>", {"detail": "Not Found"}, [1]])
def test_a_404_that_is_not_about_the_call_is_a_missing_route(body):
    """Of FastAPI, of sd-server's HTTP library, of a proxy: the path is named, and what may be the cause."""
    failure = read(call_error, 404, body)[1]

    assert ("rejected", False, 404) == (failure.code, failure.possible_charge, failure.upstream_status)
    assert failure.message.startswith(f"the server has no route {PATH}: ")


@pytest.mark.parametrize("body", [{"detail": "Sampler not found"}, {"error": "HTTPException"}])
def test_a_404_about_the_call_is_none(body):
    """A sampler, a model or an image that the server does not have."""
    assert "route" not in read(call_error, 404, body)[1].message


def test_stability_cools_down_for_a_minute_unless_it_says_otherwise():
    """Its penalty is 60 seconds."""
    default = read(stability_error, 429, {})[0].retry_after
    with_header = read(stability_error, 429, {}, **{"retry-after": "7"})[0].retry_after

    assert (60.0, 7.0) == (default, with_header)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "Tue, 24 Nov 2026 08:00:30 GMT", "date": "Tue, 24 Nov 2026 08:00:00 GMT"}, 30.0),
        ({"retry-after": "Tue, 24 Nov 2026 08:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers, expected):
    """A date is compared with the response's own date, so no clock is needed."""
    assert expected == call_error(429, headers, b"").retry_after


def test_a_key_never_gets_into_a_message():
    """Some servers echo the request."""
    failure = read(call_error, 401, {"detail": f"wrong login {SECRET} {'x' * 1000}"})[1]

    assert SECRET not in failure.message
    assert 500 == len(failure.message)
