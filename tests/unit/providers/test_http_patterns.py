"""Regular expressions of documents find a number, and cannot block the service."""

import pytest

from imagegen_adapters.providers.http.patterns import pattern_problem


@pytest.mark.parametrize(
    "expression",
    [
        r"resets in ~?(\d+(?:\.\d+)?)s",
        r"(?i)wait (?:for )?(\d{1,5}) (?:seconds|s)\b",
        r"(\d+)",
        r"(?<=in )([0-9]+)",
    ],
)
def test_what_finds_a_number_is_taken(expression):
    """Including the repeats that numbers need."""
    assert pattern_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (r"(a+)+$", "within a repeat"),
        (r"(a?){60}", "within a repeat"),
        (r"(?:ab|a)+(x)", "within a repeat"),
        (r"(?:(a){0,9}){0,9}", "within a repeat"),
        (r"(?=(a*)*b)", "within a repeat"),
        (r"(?>(a+)+)b", "within a repeat"),
        (r"(a*)a*a*b", "more than 2 repeats"),
        ("(a)" + "a?" * 30 + "b", "more than 8"),
        ("(a)" + "(?:ab|a)" * 20, "more than 8"),
        (r"(a)\1", "refer back"),
        (r"(a)(?(1)b|c)", "refer back"),
        (r"a+", "needs a group"),
        (r"(", "is not a regular expression"),
        ("(" * 150 + ")" * 150, "at most 200"),
    ],
)
def test_what_could_take_long_is_refused(expression, problem):
    """Its author may also control the text that it searches."""
    assert problem in str(pattern_problem(expression))
