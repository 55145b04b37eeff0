"""What is wrong with a field, in Chinese."""

import pytest

from imagegen_core.providers.capabilities import Parameter
from imagegen_http.problems.problem_words import in_chinese


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (Parameter(name="p"), 1),
        (Parameter(name="p", type="integer"), "1"),
        (Parameter(name="p", type="number"), "1"),
        (Parameter(name="p", type="boolean"), 1),
        (Parameter(name="p", enum=("a", "b")), "c"),
        (Parameter(name="p", type="number", minimum=0.5), 0),
        (Parameter(name="p", type="integer", maximum=4), 5),
        (Parameter(name="p", type="integer", multiple_of=8), 9),
    ],
)
def test_all_that_can_be_wrong_with_a_parameter_is_said(parameter, value):
    """No rule of a model's parameters is left in English."""
    english = parameter.problem(value)

    assert english != in_chinese(english)


def test_values_stay_as_they_are():
    """Only the sentence around them is translated."""
    assert "须为以下之一：1K, 2K" == in_chinese("must be one of 1K, 2K")
    assert "对 wan2.6 不能超过 800 个字符" == in_chinese("must be at most 800 characters for wan2.6")


def test_what_nobody_translated_stays_english():
    """Better than nothing: a provider's own rule, a mistake in a document."""
    assert "there is no variable 'promt'" == in_chinese("there is no variable 'promt'")
