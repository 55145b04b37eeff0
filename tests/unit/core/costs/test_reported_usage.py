"""What a provider says of its charge is outside text: what cannot be true is as if it were not there."""

from decimal import Decimal

import pytest

from imagegen_core.costs import MAX_TOKENS, ReportedUsage
from imagegen_core.facts import TokenKind


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        (4, "0.01", "0.04"),
        ("4.2", "0.01", "0.042"),
        (0.1, "1", "0.1"),
        (0, "1", "0"),
        (180_000_000, "1e-10", "0.018"),
        (10**16, "1e-10", "1000000"),
    ],
)
def test_an_amount_is_a_number_of_units(amount, unit, expected):
    """Such as credits, or ticks; a number, or its digits."""
    usage = ReportedUsage.from_values(amount, currency="USD", unit=Decimal(unit))

    assert (Decimal(expected), "USD") == (usage.amount, usage.currency)


@pytest.mark.parametrize(
    "amount",
    [
        *(None, True, "", "free", [4], {"amount": 4}, -1, "-0.01", float("nan"), float("inf"), "sNaN"),
        pytest.param(10**5000, id="5001 digits"),
        *(10**19, 1e300, "1e400", "9" * 41, 1_000_001, "1" * 5000),
    ],
)
def test_an_amount_that_cannot_be_true_is_missing(amount):
    """Nothing of it is stored, and nothing fails."""
    assert ReportedUsage() == ReportedUsage.from_values(amount, currency="USD")


def test_an_amount_in_no_currency_is_missing():
    """A document has to say in which one its provider bills."""
    assert ReportedUsage() == ReportedUsage.from_values(4)


def test_tokens_are_whole_numbers():
    """Each that is none is missing, alone."""
    usage = ReportedUsage.from_values(
        tokens={
            TokenKind.TEXT_INPUT: 13,
            TokenKind.IMAGE_INPUT: "7",
            TokenKind.TEXT_OUTPUT: 1.5,
            TokenKind.CACHED_TEXT_INPUT: -1,
            TokenKind.CACHED_IMAGE_INPUT: MAX_TOKENS + 1,
            TokenKind.IMAGE_OUTPUT: None,
        }
    )

    assert {TokenKind.TEXT_INPUT: 13, TokenKind.IMAGE_INPUT: 7} == usage.tokens
