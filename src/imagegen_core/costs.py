"""What calls cost: reports of providers, estimates by price lists, and sums by currency, never converted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Literal, Self

import attrs

from imagegen_core.facts import Price, Rate, TokenKind, Unit
from imagegen_core.models import Model
from imagegen_core.requests import UPSCALE_FACTORS, ImageRequest, Operation, parse_size
from imagegen_core.values import frozen_mapping

__path__: list[str] = []  # whoever imports what was here is told what moved
TICKS_PER_UNIT = 10**10
"""A tick, a ten-billionth of a currency's unit, is what xAI bills by and what databases store and add up."""

MAX_AMOUNT = Decimal(1_000_000)  # of one call; more is a mistake, of a price list or of an answer
_TICK = Decimal(1).scaleb(-10)


class Basis(StrEnum):
    """How sure an amount is, surest first."""

    KNOWN = "known"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Cost:
    """What was or will be charged.

    ``known``: the provider said so. ``estimated``: a price times what was made. ``unknown``: it costs
    something, and ``amount`` is the known part of it, or None.
    """

    amount: Decimal | None = None
    currency: str | None = None
    basis: Basis

    @classmethod
    def from_amount(cls, amount: Decimal, currency: str, basis: Basis) -> Self:
        """Return the cost, rounded to ticks; unknown if no call can cost so much."""
        if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
            return cls.unknown()
        return cls(amount=amount.quantize(_TICK), currency=currency, basis=basis)

    @classmethod
    def from_ticks(cls, ticks: int, currency: str, basis: Basis) -> Self:
        return cls(amount=amount_of(ticks), currency=currency, basis=basis)

    @classmethod
    def unknown(cls) -> Self:
        return cls(basis=Basis.UNKNOWN)

    @property
    def ticks(self) -> int | None:
        return None if self.amount is None else int(self.amount.scaleb(10))

    @property
    def text(self) -> str | None:
        """A decimal number with at least two places, such as ``0.20``."""
        return None if self.amount is None else amount_text(self.amount)

    def shares(self, count: int) -> tuple["Cost", ...]:
        """Return each of ``count`` images' cost; they add up to this, so the first may cost a tick more."""
        if self.ticks is None or self.currency is None:
            return (self,) * count
        each, rest = divmod(self.ticks, count) if count else (0, 0)
        ticks = (each + (position < rest) for position in range(count))
        return tuple(self.from_ticks(share, self.currency, self.basis) for share in ticks)


def total(costs: Iterable[Cost]) -> tuple[Cost, ...]:
    """Return the sum of each currency, in order of first occurrence.

    A sum is as sure as its least sure part; a part without an amount makes every sum unknown.
    """
    parts = tuple(costs)
    ticks: Counter[str] = Counter()
    bases: dict[str, list[Basis]] = {}
    for cost in parts:
        if cost.ticks is not None and cost.currency is not None:
            ticks[cost.currency] += cost.ticks
            bases.setdefault(cost.currency, []).append(cost.basis)
    has_unknown = any(cost.amount is None for cost in parts)
    if has_unknown and not ticks:
        return (Cost.unknown(),)
    return tuple(
        Cost.from_ticks(sum_, currency, Basis.UNKNOWN if has_unknown else least_sure(*bases[currency]))
        for currency, sum_ in ticks.items()
    )


def dearest(sums: Iterable[Iterable[Cost]]) -> tuple[Cost, ...]:
    """Return the highest of several sums, in each currency; unknown if one of them is."""
    costs = [cost for sum_ in sums for cost in sum_]
    highest: dict[str | None, Cost] = {cost.currency: cost for cost in costs}
    highest |= {cost.currency: cost for cost in sorted(costs, key=lambda cost: cost.ticks or 0)}
    if len(highest) > 1:
        highest.pop(None, None)
    if any(cost.basis is Basis.UNKNOWN for cost in costs):
        return tuple(attrs.evolve(cost, basis=Basis.UNKNOWN) for cost in highest.values())
    return tuple(highest.values())


def usual(costs: Iterable[Cost | None]) -> tuple[Decimal, str, int] | None:
    """Return the median of costs, newest first, its currency, and of how many it is; None without any.

    Those in another currency than the newest do not count, nor do those that nobody knows.
    """
    pairs = [
        (cost.amount, cost.currency)
        for cost in costs
        if cost is not None and cost.basis is not Basis.UNKNOWN
        if cost.amount is not None and cost.currency is not None
    ]
    amounts = [amount for amount, currency in pairs if currency == pairs[0][1]]
    # The higher of two in the middle; importing `statistics` would slow each start of a command.
    return (sorted(amounts)[len(amounts) // 2], pairs[0][1], len(amounts)) if pairs else None


def least_sure(*bases: Basis) -> Basis:
    return max(bases, key=tuple(Basis).index)


def amount_of(ticks: int) -> Decimal:
    """Return the exact amount of any number of ticks."""
    whole, rest = divmod(ticks, TICKS_PER_UNIT)
    return Decimal(f"{whole}.{rest:010d}")


def amount_text(amount: Decimal) -> str:
    """Return an amount with as many places as needed, at least two."""
    digits = f"{amount:f}"
    if "." in digits:
        digits = digits.rstrip("0")
    whole, _, places = digits.partition(".")
    return f"{whole}.{places:0<2}"


MAX_TOKENS = 10**9  # of one call; more is a mistake
_MAX_NUMBER = 10**18
_MAX_NUMBER_CHARS = 40


@attrs.frozen(kw_only=True)
class ReportedUsage:
    """What a provider says it charged for one call; None or empty where it does not say."""

    amount: Decimal | None = None
    currency: str | None = None
    tokens: Mapping[TokenKind, int] = attrs.field(factory=dict, converter=frozen_mapping)

    @classmethod
    def from_values(
        cls,
        amount: Any = None,
        *,
        currency: str | None = None,
        unit: Decimal = Decimal(1),
        tokens: Mapping[TokenKind, Any] | None = None,
    ) -> Self:
        """Return a provider's report; a value that cannot be true counts as missing.

        ``amount`` is a number or its digits, in ``unit`` of the currency, such as credits.
        """
        pairs = ((kind, _count(value)) for kind, value in (tokens or {}).items())
        counts: dict[str, int] = {kind: count for kind, count in pairs if count is not None}
        number = None if currency is None else _number(amount)
        if number is None or number * unit > MAX_AMOUNT:
            return cls(tokens=counts)
        return cls(amount=number * unit, currency=currency, tokens=counts)


def _number(value: Any) -> Decimal | None:
    """Return a finite number from 0, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:
        return None  # its digits may be more than Python converts
    text = str(value)
    if len(text) > _MAX_NUMBER_CHARS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= _MAX_NUMBER else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number > MAX_TOKENS or number != int(number) else int(number)


_PIXELS_PER_MEGAPIXEL = 1_000_000
_TOKENS_PER_UNIT = 1_000_000

_BYTES_PER_TOKEN = 3
"""Of a prompt in UTF-8, for a forecast: English has more, Chinese about as many; text costs little."""

_UNFORESEEN_FORMATS = frozenset({"gif", "svg"})
"""A GIF takes tokens by its frames; an SVG those of a second model too, which the provider does not count."""

_QUALITY_NAMES = ("quality", "upscale_mode")
_SIZE_NAMES = ("size", "image_size", "resolution")

_UNCACHED: Mapping[TokenKind, TokenKind] = {
    TokenKind.CACHED_TEXT_INPUT: TokenKind.TEXT_INPUT,
    TokenKind.CACHED_IMAGE_INPUT: TokenKind.IMAGE_INPUT,
}
"""Cached tokens without a rate of their own cost what others do."""


def quote(request: ImageRequest, model: Model, *, is_billed: bool) -> Cost | None:
    """Return what a call would cost that makes all that it asks for; None if calls cost nothing.

    A price by tokens without a forecast gives an unknown cost: only the provider can count them.
    """
    if model.price is None:
        return Cost.unknown() if is_billed else None
    call = _PricedCall(request, model, model.price)
    return call.by_images(request.num) or call.by_forecast() or Cost.unknown()


def cost_of(
    request: ImageRequest,
    model: Model,
    price: Price | None,
    *,
    usage: ReportedUsage | None,
    images: int,
    quoted: Cost | None,
) -> Cost | None:
    """Return what an answered call cost: as the provider says, else by tokens, by images or by forecast.

    ``price`` is the one under which it was sent. ``images`` counts all that it made, whatever became of them.
    ``quoted`` is what is known so far, at first the `quote`; None if calls cost nothing.
    """
    if usage is not None and usage.amount is not None and usage.currency is not None:
        return Cost.from_amount(usage.amount, usage.currency, Basis.KNOWN)
    if price is None:
        return quoted
    call = _PricedCall(request, model, price)
    by_tokens = None if usage is None else call.by_tokens(usage.tokens)
    if (cost := by_tokens or call.by_images(images)) is not None:
        return cost
    forecast = call.by_forecast()
    if forecast is None or forecast.amount is None or forecast.currency is None:
        return Cost.unknown()
    return Cost.from_amount(forecast.amount * images / request.num, forecast.currency, forecast.basis)


@attrs.frozen
class _PricedCall:
    """A request's cost by a price list; None where the list cannot tell."""

    request: ImageRequest
    model: Model
    price: Price

    def by_images(self, images: int) -> Cost | None:
        rate = self._first_rate(Unit.IMAGE, Unit.MEGAPIXEL)
        if rate is None:
            return None
        amount = rate.amount * images
        if rate.per is Unit.MEGAPIXEL:
            if (pixels := self._pixels()) is None:
                return None
            amount = amount * pixels / _PIXELS_PER_MEGAPIXEL
        if input_rate := self._first_rate(Unit.INPUT_IMAGE):
            # An estimate has no images yet, but one must come along; a mask is none of them.
            inputs = sum(name != "mask" for name, _ in self.request.named_inputs) or self._least_inputs
            amount += input_rate.amount * max(0, inputs - input_rate.free)
        return Cost.from_amount(amount, self.price.currency, Basis.ESTIMATED)

    def by_forecast(self) -> Cost | None:
        """Return the cost of the tokens that the call is forecast to take.

        A size that the provider chooses is the forecast's ``size``; without one there is no forecast: the
        largest could cost ten times the usual. There is none for a GIF or an SVG. Images of one call are
        billed as if each were a call of its own.
        """
        forecast, request = self.price.forecast, self.request
        if forecast is None or self._value("output_format") in _UNFORESEEN_FORMATS:
            return None
        sizes = {str(request.params.get(name) or "auto") for name in (*_SIZE_NAMES, "aspect_ratio")}
        chosen = None if sizes != {"auto"} else parse_size(self.model.default_size or forecast.size)
        if (sides := request.dimensions or chosen) is None:
            return None
        partial = forecast.partial_image * int(request.params.get("partial_images") or 0)
        inputs = len(request.named_inputs) or self._least_inputs
        tokens = {
            TokenKind.IMAGE_OUTPUT: forecast.output_tokens(*sides, self._value("quality")) + partial,
            TokenKind.IMAGE_INPUT: forecast.input_image * inputs,
            TokenKind.TEXT_INPUT: -(-len(request.prompt.encode()) // _BYTES_PER_TOKEN),
        }
        return self.by_tokens({kind: count * request.num for kind, count in tokens.items()})

    def by_tokens(self, tokens: Mapping[TokenKind, int]) -> Cost | None:
        """Return the cost of the tokens; None if there are none, or some have no rate."""
        rates: dict[TokenKind, Decimal] = {}
        for rate in self.price.rates:
            if rate.tokens is not None and self._applies(rate):
                rates.setdefault(rate.tokens, rate.amount)
        counts = {kind: count for kind, count in tokens.items() if count}
        for cached, kind in _UNCACHED.items():
            if kind in rates:
                rates.setdefault(cached, rates[kind])
        if not counts or not counts.keys() <= rates.keys():
            return None
        amount = sum((rates[kind] * count for kind, count in counts.items()), Decimal())
        basis = Basis.UNKNOWN if self._value("output_format") == "svg" else Basis.ESTIMATED
        return Cost.from_amount(amount / _TOKENS_PER_UNIT, self.price.currency, basis)

    @property
    def _least_inputs(self) -> int:
        return int(self.request.operation.rules.has_input_images)

    def _first_rate(self, *units: Unit) -> Rate | None:
        return next((rate for rate in self.price.rates if rate.per in units and self._applies(rate)), None)

    def _applies(self, rate: Rate) -> bool:
        if rate.operations and self.request.operation not in rate.operations:
            return False
        if rate.sizes and not _is_among(self._sizes(), rate.sizes):
            return False
        if rate.max_pixels is not None and ((pixels := self._pixels()) is None or pixels > rate.max_pixels):
            return False
        switched_on = (each.name for each in self.model.parameters if self._value(each.name) == str(True))
        qualities = (*map(self._value, _QUALITY_NAMES), *switched_on)
        return not rate.qualities or _is_among(qualities, rate.qualities)

    def _sizes(self) -> Iterator[str]:
        """Yield the request's size in the forms of price lists, or else the model's default."""
        dimensions, params = self.request.dimensions, self.request.params
        if dimensions is not None:
            yield f"{dimensions[0]}x{dimensions[1]}"
        values = [str(params[name]) for name in _SIZE_NAMES if params.get(name) is not None]
        yield from values
        if dimensions is None and not values and self.model.default_size:
            yield self.model.default_size

    def _value(self, name: str) -> str:
        defaults = {parameter.name: parameter.default for parameter in self.model.parameters}
        return str(self.request.params.get(name, defaults.get(name)))

    def _pixels(self) -> int | None:
        request = self.request
        sides = request.dimensions or parse_size(self.model.default_size)
        if request.operation is Operation.UPSCALE and request.image is not None:
            factor = UPSCALE_FACTORS.get(request.upscale_factor, 1)
            sides = (request.image.width * factor, request.image.height * factor)
        return None if sides is None else sides[0] * sides[1]


def _is_among(values: Iterable[str], choices: tuple[str, ...]) -> bool:
    folded = {choice.casefold() for choice in choices}
    return any(value.casefold() in folded for value in values)


class UsageGrouping(StrEnum):
    """What totals are grouped by."""

    DAY = "day"
    PROVIDER = "provider"
    MODEL = "model"


@attrs.frozen(kw_only=True)
class Ticks:
    """Sums of one currency; a merely possible charge counts in ``possible_ticks`` alone."""

    known_ticks: int = 0
    estimated_ticks: int = 0
    possible_ticks: int = 0

    def plus(self, other: "Ticks") -> "Ticks":
        return Ticks(**{name: ticks + getattr(other, name) for name, ticks in attrs.asdict(self).items()})


@attrs.frozen(kw_only=True)
class Usage:
    """What the tasks that ended in a time used; ``unknown_attempts`` were or may be paid, at unknown cost."""

    tasks: int = 0
    failed: int = 0
    images: int = 0
    unknown_attempts: int = 0
    currencies: Mapping[str, Ticks] = attrs.field(factory=dict, converter=frozen_mapping)

    def plus(self, other: "Usage") -> "Usage":
        currencies = dict(self.currencies)
        for currency, ticks in other.currencies.items():
            currencies[currency] = currencies.get(currency, Ticks()).plus(ticks)
        return Usage(
            tasks=self.tasks + other.tasks,
            failed=self.failed + other.failed,
            images=self.images + other.images,
            unknown_attempts=self.unknown_attempts + other.unknown_attempts,
            currencies=currencies,
        )

    def amounts(self, kind: Literal["known", "estimated", "possible"]) -> dict[str, Decimal]:
        """Return the amounts of one kind of `Ticks` by currency."""
        name = f"{kind}_ticks"
        sums = {currency: getattr(ticks, name) for currency, ticks in sorted(self.currencies.items())}
        return {currency: amount_of(ticks) for currency, ticks in sums.items() if ticks}
