"""Regular expressions of documents find a number, and cannot block the service."""

import pytest

from imagegen_adapters.providers.document.expressions import (
    MAX_SEARCHED_CHARS,
    matches_glob,
    pattern_problem,
    searched_chars,
)


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


@pytest.mark.parametrize(
    "expression",
    [
        r"resets in ~?(\d+(?:\.\d+)?)s",
        r"(?i)wait (?:for )?(\d{1,5}) (?:seconds|s)\b",
        r"(\d+(?:\.\d+)?)",
        r"retry after (\d+)",
    ],
)
def test_a_number_is_found_anywhere_in_the_first_500_characters(expression):
    """By what has one way to match it."""
    assert MAX_SEARCHED_CHARS == searched_chars(expression, 2)


@pytest.mark.parametrize(
    ("expression", "number", "maximum"),
    [
        (r"a*[^b]*(c)", 1, 182),
        (r"a*[^b]*(c)", 400, 24),
        (r"a{0,250}[^b]{0,250}(c)", 1, 182),
        (r"a*a*(a|b)?(a|c)?(a|d)?(a|e)?(a|f)?(a|g)?x(y)", 1, 46),
        (r"a*(a|b)?(a|c)?(a|d)?(a|e)?(a|f)?(a|g)?x(y)", 1, 177),
        (r"a*a*(aa|a|aaa|b|bb|c|d)x", 1, 95),
    ],
)
def test_what_matches_in_many_ways_searches_less(expression, number, maximum):
    """Two repeats alone took a tenth of a second of 500 characters, with alternatives many seconds."""
    assert pattern_problem(expression) is None
    assert maximum >= searched_chars(expression, number) >= maximum // 2


def test_globs_are_compared_with_short_texts():
    """What is no glob is compared as it is."""
    assert matches_glob("a[1]", ["b*", "a[[]1]"])
    assert matches_glob("x" * 600, ["x" * 600])
    assert not matches_glob("x" * 600 + "y", ["*y"])
    assert not matches_glob("A", ["a"])
