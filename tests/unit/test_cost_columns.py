"""The price of an attempt survives its row."""

from imagegen_adapters.stores.rows import optional_value, price_to_json
from imagegen_core.facts import Price, parse_price

PRICE = {
    "currency": "USD",
    "rates": [
        {"amount": 0.1, "sizes": "2k", "qualities": "high", "max_pixels": 1_000_000, "operations": "edit"},
        {"amount": 0.01, "per": "input_image", "free": 1},
        {"amount": 30, "per": "million_tokens", "tokens": "image_output"},
    ],
    "forecast": {
        "grid": {"low": 16, "high": 96},
        "input_image": 1536,
        "partial_image": 100,
        "size": "1024x1024",
    },
}


def test_a_price_comes_back_as_it_was():
    """With each condition of each rate, and the forecast: it is read again after a restart."""
    price = parse_price(PRICE, "price")

    assert price == optional_value(price_to_json(price), Price)


def test_a_row_from_before_rates_had_pixels_and_free_images_is_read():
    """They hold for every image."""
    text = price_to_json(parse_price({"currency": "USD", "rates": [{"amount": 1}]}, "price"))
    before = text.replace('"max_pixels":null,', "").replace('"free":0,', "")

    price = optional_value(before, Price)

    assert ("max_pixels" in before, "free" in before) == (False, False)
    assert (None, 0) == (price.rates[0].max_pixels, price.rates[0].free)
