"""The price of an attempt survives its row."""

from imagegen_adapters.databases.cost_columns import optional_price, price_to_json
from imagegen_core.providers.prices import parse_price

PRICE = {
    "currency": "USD",
    "rates": [
        {"amount": 0.1, "sizes": "2k", "qualities": "high", "max_pixels": 1_000_000, "operations": "edit"},
        {"amount": 0.01, "per": "input_image"},
        {"amount": 30, "per": "million_tokens", "tokens": "image_output"},
    ],
}


def test_a_price_comes_back_as_it_was():
    """With each condition of each rate."""
    price = parse_price(PRICE, "price")

    assert price == optional_price(price_to_json(price))


def test_a_row_from_before_rates_had_pixels_is_read():
    """They hold for every image."""
    text = price_to_json(parse_price({"currency": "USD", "rates": [{"amount": 1}]}, "price"))

    price = optional_price(text.replace('"max_pixels":null,', ""))

    assert "max_pixels" not in text.replace('"max_pixels":null,', "")
    assert None is price.rates[0].max_pixels
