"""Errors in OpenAI's format."""

import pytest

from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import Language
from imagegen_http.errors import TABLE, envelope
from imagegen_http.openai.responses import Problem

_NEVER = {408, 409}
"""The official clients repeat these."""


@pytest.mark.parametrize("slug", TABLE)
def test_every_row_of_the_table_has_a_shape(slug):
    """The status that clients expect, and one that they do not retry needlessly."""
    problem = Problem.from_envelope(*envelope(slug, {}, language=Language.EN, request_id="r"))

    assert {"message", "type", "param", "code"} == set(problem.body["error"])
    assert problem.status not in _NEVER
    assert (problem.status >= 500) == (problem.type == "server_error")


@pytest.mark.parametrize("code", FailureCode)
@pytest.mark.parametrize("charged", [False, True])
def test_every_failure_has_a_shape_and_a_charged_one_is_never_retried(code, charged):
    """By its status, which every client understands, and by a header for the official ones."""
    problem = Problem.from_failure(Failure(code, "m", possible_charge=charged), Language.EN)

    assert problem.status not in _NEVER
    if charged:
        assert (400, "upstream_error") == (problem.status, problem.type)
        assert "false" == problem.headers["x-should-retry"]
    assert (problem.status == 429) <= ("retry-after" in problem.headers)


def test_a_cancelled_task_is_not_retried():
    """Although nothing was sent for it: a retry would generate the image after all."""
    problem = Problem.from_failure(Failure(FailureCode.CANCELLED, "m"), Language.EN)

    assert (400, "upstream_error") == (problem.status, problem.type)
    assert "false" == problem.headers["x-should-retry"]


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("params.num", "n"),
        ("params.quality", "quality"),
        ("reference_images.3", "image"),
        ("images.0.image_url", "image"),
        ("prompt", "prompt"),
        ("body", None),
    ],
)
def test_a_field_has_the_name_that_clients_know(field, param):
    """Not the name in our own API."""
    data = {"errors": [{"field": field, "message": "is wrong"}]}
    problem = Problem.from_envelope(
        *envelope("validation_failed", data, language=Language.EN, request_id="r")
    )

    expected = f"{param}: is wrong" if param else "is wrong"
    assert (param, f"the request is not valid ({expected})") == (problem.param, problem.message)
