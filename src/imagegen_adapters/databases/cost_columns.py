"""The columns of a cost, and a price as JSON."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from imagegen_adapters.databases.json_columns import from_json, to_json
from imagegen_core.costs.cost import Basis, Cost
from imagegen_core.operations import Operation
from imagegen_core.providers.prices import Forecast, Price, Rate, TokenKind, Unit

_BASES = {basis.value: basis for basis in Basis}


def cost_to_columns(cost: Cost | None) -> dict[str, Any]:
    """Return the columns of a cost; its amount is a number of ticks."""
    return {
        "cost_basis": None if cost is None else cost.basis.value,
        "cost_currency": None if cost is None else cost.currency,
        "cost_ticks": None if cost is None else cost.ticks,
    }


def cost_from_columns(basis: str | None, currency: str | None, ticks: int | None) -> Cost | None:
    """Return the cost of its columns."""
    if basis is None:
        return None
    if currency is None or ticks is None:
        return Cost(basis=_BASES[basis])
    return Cost.from_ticks(ticks, currency, _BASES[basis])


def optional_price(text: str | None) -> Price | None:
    """Return the price that `price_to_json` wrote, or None."""
    if text is None:
        return None
    price: dict[str, Any] = from_json(text, dict)
    forecast = price.get("forecast")
    return Price(
        currency=price["currency"],
        rates=tuple(map(_rate, price["rates"])),
        forecast=None if forecast is None else Forecast(**forecast),
    )


def price_to_json(price: Price | None) -> str | None:
    """Return a price without its source, or None."""
    if price is None:
        return None
    columns: dict[str, Any] = {"currency": price.currency, "rates": [_columns(rate) for rate in price.rates]}
    if price.forecast is not None:
        columns["forecast"] = {**attrs.asdict(price.forecast), "grid": dict(price.forecast.grid)}
    return to_json(columns)


def _columns(rate: Rate) -> dict[str, Any]:
    return {
        "amount": str(rate.amount),
        "per": rate.per,
        "tokens": rate.tokens,
        "sizes": rate.sizes,
        "qualities": rate.qualities,
        "max_pixels": rate.max_pixels,
        "free": rate.free,
        "operations": rate.operations,
    }


def _rate(data: Mapping[str, Any]) -> Rate:
    return Rate(
        amount=Decimal(data["amount"]),
        per=Unit(data["per"]),
        tokens=None if data["tokens"] is None else TokenKind(data["tokens"]),
        sizes=tuple(data["sizes"]),
        qualities=tuple(data["qualities"]),
        max_pixels=data.get("max_pixels"),
        free=data.get("free", 0),
        operations=tuple(map(Operation, data["operations"])),
    )
