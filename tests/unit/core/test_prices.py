"""Prices and sources from plain values: each mistake has its path."""

import datetime as dt
from decimal import Decimal

import pytest

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import (
    Price,
    Rate,
    Source,
    TokenKind,
    Unit,
    Witness,
    parse_price,
    parse_source,
    prices_of,
)
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.requests import Operation

RATES = [{"amount": 0.04}]


def problems(data) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as caught:
        parse_price(data, "p")
    return {p.field: p.message for p in caught.value.problems}


def test_a_price_is_rates_in_a_currency():
    """Amounts stay the decimals that were written; a single word stands for a list of one."""
    price = parse_price(
        {
            "currency": "USD",
            "source": {"url": "https://x.example", "read": "2026-11-26", "by": "relay"},
            "rates": [
                {"amount": 0.1, "qualities": "high", "sizes": ["2K", "4K"], "operations": ["edit"]},
                {"amount": 30, "per": "million_tokens", "tokens": "image_output"},
                {"amount": 0.01, "per": "input_image", "max_pixels": 1_000_000},
            ],
        },
        "p",
    )

    assert (
        Price(
            currency="USD",
            source=Source(url="https://x.example", read=dt.date(2026, 11, 26), by=Witness.RELAY),
            rates=(
                Rate(
                    amount=Decimal("0.1"),
                    qualities=("high",),
                    sizes=("2K", "4K"),
                    operations=(Operation.EDIT,),
                ),
                Rate(amount=Decimal(30), per=Unit.MILLION_TOKENS, tokens=TokenKind.IMAGE_OUTPUT),
                Rate(amount=Decimal("0.01"), per=Unit.INPUT_IMAGE, max_pixels=1_000_000),
            ),
        )
        == price
    )


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (None, "p"),
        ([], "p"),
        ({"rates": RATES}, "p.currency"),
        ({"currency": "", "rates": RATES}, "p.currency"),
        ({"currency": "usd", "rates": RATES}, "p.currency"),
        ({"currency": 1, "rates": RATES}, "p.currency"),
        ({"currency": "USD"}, "p.rates"),
        ({"currency": "USD", "rates": []}, "p.rates"),
        ({"currency": "USD", "rates": {}}, "p.rates"),
        ({"currency": "USD", "rates": [1]}, "p.rates.0"),
        ({"currency": "USD", "rates": [{}]}, "p.rates.0.amount"),
        ({"currency": "USD", "rates": [{"amount": "cheap"}]}, "p.rates.0.amount"),
        ({"currency": "USD", "rates": [{"amount": True}]}, "p.rates.0.amount"),
        ({"currency": "USD", "rates": [{"amount": -0.01}]}, "p.rates.0.amount"),
        ({"currency": "USD", "rates": [{"amount": float("inf")}]}, "p.rates.0.amount"),
        ({"currency": "USD", "rates": [{"amount": 1, "per": "smile"}]}, "p.rates.0.per"),
        ({"currency": "USD", "rates": [{"amount": 1, "per": "million_tokens"}]}, "p.rates.0.tokens"),
        ({"currency": "USD", "rates": [{"amount": 1, "tokens": "text_input"}]}, "p.rates.0.per"),
        ({"currency": "USD", "rates": [{"amount": 1, "free": 1}]}, "p.rates.0.free"),
        ({"currency": "USD", "rates": [{"amount": 1, "per": "input_image", "free": 0.5}]}, "p.rates.0.free"),
        ({"currency": "USD", "rates": [{"amount": 1, "operations": "sing"}]}, "p.rates.0.operations"),
        ({"currency": "USD", "rates": [{"amount": 1, "sizes": [1]}]}, "p.rates.0.sizes"),
        ({"currency": "USD", "rates": [{"amount": 1, "colour": 1}]}, "p.rates.0.colour"),
        ({"currency": "USD", "rates": RATES, "forecast": 1}, "p.forecast"),
        ({"currency": "USD", "rates": RATES, "forecast": {}}, "p.forecast.grid"),
        ({"currency": "USD", "rates": RATES, "forecast": {"grid": {}}}, "p.forecast.grid"),
        ({"currency": "USD", "rates": RATES, "forecast": {"grid": [16]}}, "p.forecast.grid"),
        ({"currency": "USD", "rates": RATES, "forecast": {"grid": {"low": 0}}}, "p.forecast.grid.low"),
        ({"currency": "USD", "rates": RATES, "forecast": {"grid": {"low": 1.5}}}, "p.forecast.grid.low"),
        *(
            (
                {"currency": "USD", "rates": RATES, "forecast": {"grid": {"low": 1}, "size": s}},
                "p.forecast.size",
            )
            for s in ("auto", "0x512", 1024, [1024, 1024])
        ),
        (
            {"currency": "USD", "rates": RATES, "forecast": {"grid": {"low": 16}, "input_image": -1}},
            "p.forecast.input_image",
        ),
        ({"currency": "USD", "rates": [{"amount": 1, "max_pixels": 0}]}, "p.rates.0.max_pixels"),
        ({"currency": "USD", "rates": [{"amount": 1, "max_pixels": 1.5}]}, "p.rates.0.max_pixels"),
        ({"currency": "USD", "rates": RATES, "curency": "USD"}, "p.curency"),
        ({"currency": "USD", "rates": RATES, "source": {"url": "https://x"}}, "p.source.read"),
    ],
)
def test_each_mistake_of_a_price_has_its_path(price, field):
    """An amount without a currency is none."""
    assert [field] == list(problems(price))


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"url": "https://x.example"}, "s.read"),
        ({"url": "x.example", "read": "2026-11-26"}, "s.url"),
        ({"url": "https://x.example", "read": "lately"}, "s.read"),
        ({"url": "https://x.example", "read": "2026-11-26", "by": "hearsay"}, "s.by"),
        ({"url": "https://x.example", "read": "2026-11-26", "note": 1}, "s.note"),
    ],
)
def test_each_mistake_of_a_source_has_its_path(source, field):
    """A fact of no date grows old unseen."""
    with pytest.raises(ValidationFailed) as caught:
        parse_source(source, "s")

    assert [field] == [p.field for p in caught.value.problems]


def test_a_configuration_sets_its_own_prices():
    """Of the models that it names; the others keep theirs."""
    shipped = Price(currency="USD", rates=(Rate(amount=Decimal(1)),))
    profile = ProviderProfile(models=(Model(id="a", price=shipped), Model(id="b", price=shipped)))
    own = prices_of({"prices": {"b": {"currency": "CNY", "rates": RATES}}})

    priced = profile.with_prices(own)

    assert [("a", "USD"), ("b", "CNY")] == [(m.id, m.price.currency) for m in priced.models]


def test_a_configuration_with_a_wrong_price_is_refused():
    """Before it is saved, with the path."""
    with pytest.raises(ValidationFailed) as caught:
        ProviderConfig(
            provider_name="p",
            source=ConfigSource.DATABASE,
            extra_config={"prices": {"gpt-image-2": {"rates": RATES}}},
        )

    assert ["extra_config.prices.gpt-image-2.currency"] == [p.field for p in caught.value.problems]


@pytest.mark.parametrize("amount", ["0.20", 0.2])
def test_an_amount_may_be_a_text(amount):
    """As answers show it, so that what was read there can be written."""
    price = parse_price({"currency": "CNY", "rates": [{"amount": amount}]}, "p")

    assert Decimal("0.2") == price.rates[0].amount
