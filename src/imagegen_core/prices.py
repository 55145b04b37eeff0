"""Prices of models, and the sources where they were read."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from imagegen_core.errors import ValidationFailed, unknown_key
from imagegen_core.messages import JsonType, ProblemCode
from imagegen_core.requests import Operation, parse_operations
from imagegen_core.values import frozen_mapping


class Witness(StrEnum):
    """Who says it; ``NOTES`` are this project's own."""

    PROVIDER = "provider"
    RELAY = "relay"
    NOTES = "notes"


@attrs.frozen(kw_only=True)
class Source:
    """A page and the day on which it was read; ``note`` says what it could not confirm."""

    url: str
    read: dt.date
    by: Witness = Witness.PROVIDER
    note: str = ""


def parse_source(data: Any, path: str) -> Source:
    fields = parse_fields(data, path, required=("url", "read"), optional=("by", "note"))
    by = _choice(fields.get("by", Witness.PROVIDER), Witness, f"{path}.by")
    url = parse_text(fields["url"], f"{path}.url")
    if not url.startswith(("https://", "http://")):
        raise ValidationFailed.for_field(f"{path}.url", ProblemCode.NOT_HTTP())
    read = parse_date(fields["read"], f"{path}.read")
    return Source(url=url, read=read, by=by, note=parse_text(fields.get("note", ""), f"{path}.note"))


def parse_date(data: Any, path: str) -> dt.date:
    try:
        return dt.date.fromisoformat(data)
    except (TypeError, ValueError) as error:
        raise ValidationFailed.for_field(path, ProblemCode.NOT_A_DATE()) from error


def parse_text(data: Any, path: str) -> str:
    if not isinstance(data, str):
        raise ValidationFailed.wrong_type(path, JsonType.STRING)
    return data


def parse_fields(
    data: Any, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return the object; all required fields must be there, and no unknown one."""
    if not isinstance(data, Mapping):
        raise ValidationFailed.wrong_type(path, JsonType.OBJECT)
    names = (*required, *optional)
    for name in data:
        if name not in names:
            raise ValidationFailed.for_field(f"{path}.{name}", unknown_key(str(name), names))
    for name in required:
        if data.get(name) is None:
            raise ValidationFailed.for_field(f"{path}.{name}", ProblemCode.REQUIRED())
    return data


_DECIMAL = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
"""A decimal amount as text, as answers show it: JSON numbers may lose its last places."""

_MAX_FORECAST = 1_000_000
_CURRENCY = re.compile(r"[A-Z]{3}")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Unit(StrEnum):
    """What an amount buys."""

    IMAGE = "image"
    INPUT_IMAGE = "input_image"
    MEGAPIXEL = "megapixel"
    MILLION_TOKENS = "million_tokens"


class TokenKind(StrEnum):
    """Which tokens of a call an amount is for."""

    TEXT_INPUT = "text_input"
    CACHED_TEXT_INPUT = "cached_text_input"
    IMAGE_INPUT = "image_input"
    CACHED_IMAGE_INPUT = "cached_image_input"
    TEXT_OUTPUT = "text_output"
    IMAGE_OUTPUT = "image_output"


@attrs.frozen(kw_only=True)
class Rate:
    """One line of a price list: an amount for a unit, and which images it applies to.

    An empty condition applies to all. ``sizes`` and ``qualities`` are values of parameters, ``max_pixels`` is
    of one image. A rate for input images is added for each one after the first ``free`` ones.
    """

    amount: Decimal
    per: Unit = Unit.IMAGE
    tokens: TokenKind | None = None
    sizes: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    max_pixels: int | None = None
    free: int = 0
    operations: tuple[Operation, ...] = ()


@attrs.frozen(kw_only=True)
class Forecast:
    """How many tokens an image takes at most, to price a call by tokens before it is sent.

    ``grid`` has, for each quality, the cells along the longer side of an image. ``input_image`` and
    ``partial_image`` are for one such image.
    """

    grid: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    input_image: int = 0
    partial_image: int = 0

    def output_tokens(self, width: int, height: int, quality: str) -> int:
        """Return an image's tokens by OpenAI's calculator; ``auto`` counts as the dearest quality."""
        cells = self.grid.get(quality.casefold(), max(self.grid.values()))
        cells *= round(cells * min(width, height) / max(width, height))
        return -(-cells * (_GRID_OFFSET_PIXELS + width * height) // _GRID_PIXELS)


@attrs.frozen(kw_only=True)
class Price:
    """A model's price list; of several rates for images, the first that applies counts."""

    currency: str
    rates: tuple[Rate, ...]
    source: Source | None = None
    forecast: Forecast | None = None


def parse_price(data: Any, path: str) -> Price:
    fields = parse_fields(data, path, required=("currency", "rates"), optional=("source", "forecast"))
    currency = parse_text(fields["currency"], f"{path}.currency")
    if not is_currency(currency):
        raise ValidationFailed.for_field(f"{path}.currency", ProblemCode.NOT_A_CURRENCY())
    rates, source, forecast = (fields.get(name) for name in ("rates", "source", "forecast"))
    if not isinstance(rates, list | tuple):
        raise ValidationFailed.wrong_type(f"{path}.rates", JsonType.ARRAY)
    if not rates:
        raise ValidationFailed.for_field(f"{path}.rates", ProblemCode.TOO_FEW_ITEMS(minimum=1))
    return Price(
        currency=currency,
        rates=tuple(_rate(rate, f"{path}.rates.{position}") for position, rate in enumerate(rates)),
        source=None if source is None else parse_source(source, f"{path}.source"),
        forecast=None if forecast is None else _forecast(forecast, f"{path}.forecast"),
    )


def is_currency(text: str) -> bool:
    return _CURRENCY.fullmatch(text) is not None


def prices_of(extra_config: Mapping[str, Any]) -> Mapping[str, Price]:
    data, path = extra_config.get("prices"), "extra_config.prices"
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise ValidationFailed.wrong_type(path, JsonType.OBJECT)
    return {model_id: parse_price(price, f"{path}.{model_id}") for model_id, price in data.items()}


def _rate(data: Any, path: str) -> Rate:
    names = ("per", "tokens", "sizes", "qualities", "max_pixels", "free", "operations")
    fields = parse_fields(data, path, required=("amount",), optional=names)
    per = _choice(fields.get("per", Unit.IMAGE), Unit, f"{path}.per")
    tokens, pixels = fields.get("tokens"), fields.get("max_pixels")
    free = _count(fields.get("free", 0), f"{path}.free", 0)
    for field, is_wrong, other in (
        ("per", tokens is not None and per is not Unit.MILLION_TOKENS, f"per: {Unit.MILLION_TOKENS}"),
        ("tokens", tokens is None and per is Unit.MILLION_TOKENS, "per"),
        ("free", free and per is not Unit.INPUT_IMAGE, f"per: {Unit.INPUT_IMAGE}"),
    ):
        if is_wrong:
            raise ValidationFailed.for_field(f"{path}.{field}", ProblemCode.NEEDS_OTHER(other=other))
    sizes, qualities, operations = (
        _texts(fields.get(name, ()), f"{path}.{name}") for name in ("sizes", "qualities", "operations")
    )
    return Rate(
        amount=_amount(fields["amount"], f"{path}.amount"),
        per=per,
        tokens=None if tokens is None else _choice(tokens, TokenKind, f"{path}.tokens"),
        sizes=sizes,
        qualities=qualities,
        max_pixels=None if pixels is None else _count(pixels, f"{path}.max_pixels", 1),
        free=free,
        operations=parse_operations(operations, f"{path}.operations"),
    )


def _forecast(data: Any, path: str) -> Forecast:
    fields = parse_fields(data, path, required=("grid",), optional=("input_image", "partial_image"))
    grid = fields["grid"]
    if not isinstance(grid, Mapping):
        raise ValidationFailed.wrong_type(f"{path}.grid", JsonType.OBJECT)
    if not grid:
        raise ValidationFailed.for_field(f"{path}.grid", ProblemCode.TOO_FEW_ITEMS(minimum=1))

    def tokens(name: str) -> int:
        return _count(fields.get(name, 0), f"{path}.{name}", 0, _MAX_FORECAST)

    cells = {
        str(name).casefold(): _count(count, f"{path}.grid.{name}", 1, _MAX_FORECAST)
        for name, count in grid.items()
    }
    return Forecast(grid=cells, input_image=tokens("input_image"), partial_image=tokens("partial_image"))


def _amount(data: Any, path: str) -> Decimal:
    if isinstance(data, str) and _DECIMAL.fullmatch(data):
        return Decimal(data)
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise ValidationFailed.wrong_type(path, JsonType.NUMBER)
    if not math.isfinite(data):
        raise ValidationFailed.for_field(path, ProblemCode.NOT_FINITE())
    ValidationFailed.check_range(path, data, minimum=0)
    return Decimal(str(data))


def _count(data: Any, path: str, minimum: int, maximum: int | None = None) -> int:
    ValidationFailed.check_integer(path, data, minimum=minimum, maximum=maximum)
    return int(data)


def _choice(data: Any, kind: type[_Choice], path: str) -> _Choice:
    choices = tuple(map(str, kind))
    if data not in choices:
        raise ValidationFailed.for_field(path, ProblemCode.NOT_ONE_OF(choices=choices))
    return kind(data)


def _texts(data: Any, path: str) -> tuple[str, ...]:
    """Return a list of texts; a single text counts as a list of one."""
    items = data if isinstance(data, list | tuple) else (data,)
    return tuple(parse_text(item, path) for item in items)


_GRID_OFFSET_PIXELS, _GRID_PIXELS = 2_000_000, 4_000_000
"""In OpenAI's calculator a cell takes half a token, and one more for each four million pixels."""
