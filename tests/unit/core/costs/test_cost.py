"""Amounts are exact: rounded once, added up by currency, split without a rest."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_core.costs import MAX_AMOUNT, Basis, Cost, amount_of, least_sure, total


def cny(amount, basis=Basis.ESTIMATED):
    return Cost.from_amount(Decimal(amount), "CNY", basis)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.2", "0.20"),
        ("0", "0.00"),
        ("3", "3.00"),
        ("0.0425", "0.0425"),
        ("120", "120.00"),
        ("0.00000000004", "0.00"),
        ("0.00000000006", "0.0000000001"),
        ("1E+2", "100.00"),
    ],
)
def test_an_amount_is_shown_with_two_places_at_least(amount, text):
    """And with as many more as it has, up to a tick."""
    assert text == cny(amount).text


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "-0.01", str(MAX_AMOUNT + 1), "1E+400"])
def test_what_no_call_costs_is_unknown(amount):
    """An amount that is none, is negative, or is more than any call costs."""
    assert Cost.unknown() == cny(amount)


@given(ticks=st.integers(0, 10**16), count=st.integers(1, 64))
def test_shares_add_up(ticks, count):
    """They differ by a tick at most."""
    shares = Cost.from_ticks(ticks, "CNY", Basis.KNOWN).shares(count)

    parts = [share.ticks for share in shares]
    assert (count, ticks) == (len(parts), sum(parts))
    assert max(parts) - min(parts) <= 1


@given(ticks=st.integers(0, 10**40))
def test_amounts_of_ticks_are_exact_however_many(ticks):
    """A sum may have more digits than a decimal computes with."""
    whole, _, places = f"{amount_of(ticks):f}".partition(".")

    assert ticks == int(whole + places)
    assert 10 == len(places)


def test_nothing_is_shared_of_an_unknown_cost():
    """Each share is as unknown as the whole."""
    assert (Cost.unknown(), Cost.unknown()) == Cost.unknown().shares(2)


def test_a_call_without_an_image_has_no_shares():
    """What it cost is no image's."""
    assert () == cny("0.2").shares(0)


def test_sums_are_by_currency_and_as_sure_as_their_least_sure_part():
    """In the order in which currencies occur."""
    usd = Cost.from_amount(Decimal("0.1"), "USD", Basis.KNOWN)

    sums = total([cny("0.1", Basis.KNOWN), usd, cny("0.2"), usd])

    assert (cny("0.3"), Cost.from_amount(Decimal("0.2"), "USD", Basis.KNOWN)) == sums


def test_a_part_without_an_amount_makes_a_sum_unknown():
    """The amount is then what is known of it."""
    assert (cny("0.1", Basis.UNKNOWN),) == total([cny("0.1", Basis.KNOWN), Cost.unknown()])
    assert (Cost.unknown(),) == total([Cost.unknown(), Cost.unknown()])
    assert () == total([])


def test_bases_are_ordered():
    """From known to unknown."""
    assert Basis.UNKNOWN is least_sure(Basis.KNOWN, Basis.UNKNOWN, Basis.ESTIMATED)
    assert Basis.ESTIMATED is least_sure(Basis.KNOWN, Basis.ESTIMATED)
