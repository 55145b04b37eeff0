"""What a call costs: before it is sent, by its price; afterwards, by what the provider says or made."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from imagegen_core.costs.cost import Basis, Cost
from imagegen_core.costs.reported_usage import ReportedUsage
from imagegen_core.operations import UPSCALE_FACTORS, Operation
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.prices import Price, Rate, TokenKind, Unit
from imagegen_core.requests.image_request import ImageRequest
from imagegen_core.requests.sizes import parse_size

_PIXELS_PER_MEGAPIXEL = 1_000_000
_TOKENS_PER_UNIT = 1_000_000

_BYTES_PER_TOKEN = 3
"""Of a prompt in UTF-8, for a forecast: English has more, Chinese about as many; text costs little."""

_QUALITY_NAMES = ("quality", "upscale_mode")

_SIZE_NAMES = ("size", "image_size", "resolution")

_UNCACHED: Mapping[TokenKind, TokenKind] = {
    TokenKind.CACHED_TEXT_INPUT: TokenKind.TEXT_INPUT,
    TokenKind.CACHED_IMAGE_INPUT: TokenKind.IMAGE_INPUT,
}
"""Where a price list has no rate for cached tokens, they cost what others do."""


def quote(request: ImageRequest, model: Model, *, is_billed: bool) -> Cost | None:
    """Return what a call would cost that makes all that it asks for; None if calls cost nothing.

    By tokens that is unknown unless the price has a forecast of them: only the provider can count them.
    """
    price = model.price
    if price is None:
        return Cost.unknown() if is_billed else None
    by_images = _by_images(price, request, model, request.num)
    return by_images or _by_forecast(price, request, model) or Cost.unknown()


def cost_of(
    request: ImageRequest,
    model: Model,
    price: Price | None,
    *,
    usage: ReportedUsage | None,
    images: int,
    quoted: Cost | None,
) -> Cost | None:
    """Return what an answered call cost.

    The amount that the provider says is known. Else its tokens, else the images that it made, are multiplied
    by the ``price`` under which the call was sent; else each image costs its part of the forecast.

    Args:
        request: what was asked for.
        model: the model that made it.
        price: the model's, when the call was sent.
        usage: what the provider says.
        images: how many it made, whatever became of them afterwards.
        quoted: what is known so far, at first the `quote` for the call; None if calls cost nothing.
    """
    if usage is not None and usage.amount is not None and usage.currency is not None:
        return Cost.from_amount(usage.amount, usage.currency, Basis.KNOWN)
    if price is None:
        return quoted
    by_tokens = None if usage is None else _by_tokens(price, request, model, usage.tokens)
    forecast = _by_forecast(price, request, model)
    return by_tokens or _by_images(price, request, model, images) or _part(forecast, images, request.num)


def _by_images(price: Price, request: ImageRequest, model: Model, images: int) -> Cost | None:
    rate = _first_rate(price, request, model, Unit.IMAGE, Unit.MEGAPIXEL)
    if rate is None:
        return None
    amount = rate.amount * images
    if rate.per is Unit.MEGAPIXEL:
        pixels = _pixels(request, model)
        if pixels is None:
            return None
        amount = amount * pixels / _PIXELS_PER_MEGAPIXEL
    input_rate = _first_rate(price, request, model, Unit.INPUT_IMAGE)
    if input_rate is not None:
        amount += input_rate.amount * max(0, _input_images(request) - input_rate.free)
    return Cost.from_amount(amount, price.currency, Basis.ESTIMATED)


def _by_forecast(price: Price, request: ImageRequest, model: Model) -> Cost | None:
    """Return the cost of the tokens that a call is forecast to take; None if nobody knows them.

    Without a size, or with one that the provider chooses, the largest could cost ten times the usual: that
    is no estimate. Images of one call are billed as if each were a call of its own.
    """
    forecast = price.forecast
    says_size = any(request.params.get(name) is not None for name in (*_SIZE_NAMES, "aspect_ratio"))
    sides = request.dimensions or (None if says_size else parse_size(model.default_size))
    if forecast is None or sides is None:
        return None
    partial = forecast.partial_image * int(request.params.get("partial_images") or 0)
    inputs = len(request.named_inputs) or int(request.operation.rules.has_input_images)
    tokens = {
        TokenKind.IMAGE_OUTPUT: forecast.output_tokens(*sides, _value(request, model, "quality")) + partial,
        TokenKind.IMAGE_INPUT: forecast.input_image * inputs,
        TokenKind.TEXT_INPUT: -(-len(request.prompt.encode()) // _BYTES_PER_TOKEN),
    }
    return _by_tokens(price, request, model, {kind: count * request.num for kind, count in tokens.items()})


def _part(forecast: Cost | None, images: int, num: int) -> Cost:
    """Return what some images of a call cost; unknown if nobody could say before it was sent."""
    if forecast is None or forecast.amount is None or forecast.currency is None:
        return Cost.unknown()
    return Cost.from_amount(forecast.amount * images / num, forecast.currency, forecast.basis)


def _input_images(request: ImageRequest) -> int:
    """Return how many images go along besides a mask; of an estimate, which has none, the one that must."""
    count = len([name for name, _ in request.named_inputs if name != "mask"])
    return count or int(request.operation.rules.has_input_images)


def _first_rate(price: Price, request: ImageRequest, model: Model, *units: Unit) -> Rate | None:
    rates = (rate for rate in price.rates if rate.per in units)
    return next((rate for rate in rates if _applies(rate, request, model)), None)


def _by_tokens(
    price: Price, request: ImageRequest, model: Model, tokens: Mapping[TokenKind, int]
) -> Cost | None:
    """Return the cost of the tokens; None if there are none, or some have no rate."""
    rates: dict[TokenKind, Decimal] = {}
    for rate in price.rates:
        if rate.tokens is not None and _applies(rate, request, model):
            rates.setdefault(rate.tokens, rate.amount)
    counts = {kind: count for kind, count in tokens.items() if count}
    for cached, kind in _UNCACHED.items():
        if kind in rates:
            rates.setdefault(cached, rates[kind])
    if not counts or not counts.keys() <= rates.keys():
        return None
    amount = sum((rates[kind] * count for kind, count in counts.items()), Decimal())
    return Cost.from_amount(amount / _TOKENS_PER_UNIT, price.currency, Basis.ESTIMATED)


def _applies(rate: Rate, request: ImageRequest, model: Model) -> bool:
    if rate.operations and request.operation not in rate.operations:
        return False
    if rate.sizes and not _is_among(_sizes(request, model), rate.sizes):
        return False
    if rate.max_pixels is not None:
        pixels = _pixels(request, model)
        if pixels is None or pixels > rate.max_pixels:
            return False
    qualities = [_value(request, model, name) for name in _QUALITY_NAMES]
    return not rate.qualities or _is_among(qualities, rate.qualities)


def _is_among(values: Iterable[str], choices: tuple[str, ...]) -> bool:
    folded = {choice.casefold() for choice in choices}
    return any(value.casefold() in folded for value in values)


def _sizes(request: ImageRequest, model: Model) -> Iterator[str]:
    """Yield the size of a request in the forms that a price list may have, or else the model's own."""
    dimensions = request.dimensions
    if dimensions is not None:
        yield f"{dimensions[0]}x{dimensions[1]}"
    values = [str(request.params[name]) for name in _SIZE_NAMES if request.params.get(name) is not None]
    yield from values
    if dimensions is None and not values and model.default_size:
        yield model.default_size


def _value(request: ImageRequest, model: Model, name: str) -> str:
    """Return a parameter of a request, or what the model takes it for where there is none."""
    default = next((parameter.default for parameter in model.parameters if parameter.name == name), None)
    return str(request.params.get(name, default))


def _pixels(request: ImageRequest, model: Model) -> int | None:
    """Return the pixels of one image, as far as the request or the model says."""
    sides = request.dimensions or parse_size(model.default_size)
    if request.operation is Operation.UPSCALE and request.image is not None:
        factor = UPSCALE_FACTORS.get(request.upscale_factor, 1)
        sides = (request.image.width * factor, request.image.height * factor)
    return None if sides is None else sides[0] * sides[1]
