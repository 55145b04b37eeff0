"""Whatever a document says, what it costs is bounded: counted in calls and bytes, not in seconds."""

import cProfile
import tracemalloc

import pytest
from hypothesis import given, settings

from imagegen_adapters.providers.document.calls import MAX_FORM_BYTES, write_body
from imagegen_adapters.providers.document.expressions import (
    MAX_STEPS,
    Budget,
    Expression,
    OverBudget,
    UpstreamResponse,
)
from imagegen_adapters.providers.document.operations import BodySpec
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.errors import CallError, FailureCode
from tests.costly_documents import COSTLY, RESPONSE, SCOPE, expressions, read, templates, write

MAX_CALLS = 2 * 12 * MAX_STEPS
"""Of Python's functions, by a response: two budgets, and what one visit calls."""

MAX_BYTES = 64 * 1024 * 1024


def cost(function, argument):
    """Return how many functions a call called, and the bytes that it had at most.

    The one slows the other down by more than the sum, so each is counted in a call of its own.
    """
    profile = cProfile.Profile()
    profile.runcall(function, argument)
    calls = sum(entry.callcount for entry in profile.getstats())

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        function(argument)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return calls, peak


@given(expressions())
@settings(max_examples=50)
def test_an_expression_costs_no_more_than_its_budget(text):
    """Of a response that is as long and as awkward as one can be."""
    calls, peak = cost(read, text)

    assert calls <= MAX_CALLS
    assert peak <= MAX_BYTES


@given(templates)
@settings(max_examples=50)
def test_a_template_costs_no_more_than_its_budget(source):
    """However often it repeats the prompt."""
    calls, peak = cost(write, source)

    assert calls <= MAX_CALLS + MAX_FORM_BYTES
    assert peak <= MAX_BYTES


@pytest.mark.parametrize("text", COSTLY)
def test_what_would_take_long_is_not_begun(text):
    """The error names the expression, and whose response it was may have been charged."""
    with pytest.raises(CallError, match=r"takes too much work or memory") as caught:
        UpstreamResponse(status=200, headers={}, tree=RESPONSE).find(Expression.parse(text), optional=False)

    failure = caught.value.failure
    assert (FailureCode.BAD_RESPONSE, True) == (failure.code, failure.possible_charge)
    assert text[:20] in failure.message


@pytest.mark.parametrize(
    "source",
    [
        "${prompt}" * 40,
        ["${prompt}"] * 40,
        {"$each": "params.list", "$item": {"$each": "params.list", "$item": "x"}},
        {"$each": "params.list", "$item": "y" * 2000},
        {"$spread": {"$each": "params.words", "$key": "${prompt}", "$value": 1}},
        ["${params}"] * 2,
    ],
)
def test_a_request_that_would_be_too_large_is_not_sent(source):
    """It is refused without a charge."""
    with pytest.raises(CallError, match="too large a request") as caught:
        Template.parse(source).render(SCOPE, Budget())

    failure = caught.value.failure
    assert (FailureCode.REJECTED, False) == (failure.code, failure.possible_charge)


@pytest.mark.parametrize("kind", ["form", "multipart"])
@pytest.mark.parametrize("rendered", [["a"], "text", 3])
def test_a_form_needs_fields(kind, rendered):
    """A template of another shape is refused before anything is sent."""
    with pytest.raises(CallError, match="cannot be written as") as caught:
        write_body(BodySpec(type=kind), rendered)

    assert not caught.value.failure.possible_charge


def test_shared_values_count_each_time():
    """A value of kilobytes that is exabytes as text is over the budget at once."""
    value = ["x"]
    for _ in range(60):
        value = [value, value]

    with pytest.raises(OverBudget):
        Budget().spend_tree(value)


def test_what_is_exceeded_stays_exceeded():
    """The next expression of the same response does not begin again."""
    budget = Budget(steps=1)
    with pytest.raises(OverBudget):
        budget.spend(2)

    with pytest.raises(OverBudget):
        budget.spend(0)
