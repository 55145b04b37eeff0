"""Facts about models: prices, where those were read, and what a form shows of parameters and sizes."""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from imagegen_core.errors import ValidationFailed, unknown_key
from imagegen_core.messages import JsonType, ProblemCode, words_of
from imagegen_core.requests import Operation, parse_operations, parse_size
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

    An empty condition applies to all. ``sizes`` are values of parameters, ``qualities`` too, or the names of
    what is switched on; ``max_pixels`` is of one image. Rates for input images spare the first ``free`` ones.
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
    ``partial_image`` are for one such image. ``size`` stands for a size that the provider chooses.
    """

    grid: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    input_image: int = 0
    partial_image: int = 0
    size: str | None = None

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

    def times(self, factor: Decimal) -> "Price":
        """Return the price list with every rate at this part of it."""
        rates = tuple(attrs.evolve(rate, amount=rate.amount * factor) for rate in self.rates)
        return attrs.evolve(self, rates=rates)


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
    fields = parse_fields(data, path, required=("grid",), optional=("input_image", "partial_image", "size"))
    grid, size = fields["grid"], fields.get("size")
    if not isinstance(grid, Mapping):
        raise ValidationFailed.wrong_type(f"{path}.grid", JsonType.OBJECT)
    if not grid:
        raise ValidationFailed.for_field(f"{path}.grid", ProblemCode.TOO_FEW_ITEMS(minimum=1))
    if size is not None and 0 in (parse_size(size) or (0,)):
        raise ValidationFailed.for_field(f"{path}.size", ProblemCode.NOT_A_SIZE(choices=("1024x1024",)))

    def tokens(name: str) -> int:
        return _count(fields.get(name, 0), f"{path}.{name}", 0, _MAX_FORECAST)

    cells = {
        str(name).casefold(): _count(count, f"{path}.grid.{name}", 1, _MAX_FORECAST)
        for name, count in grid.items()
    }
    return Forecast(
        grid=cells, input_image=tokens("input_image"), partial_image=tokens("partial_image"), size=size
    )


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
    return tuple(parse_text(item, path) for item in (data if isinstance(data, list | tuple) else (data,)))


_GRID_OFFSET_PIXELS, _GRID_PIXELS = 2_000_000, 4_000_000
"""In OpenAI's calculator a cell takes half a token, and one more for each four million pixels."""


@attrs.frozen(kw_only=True)
class Label:
    """A few words for people, in Chinese and in English."""

    zh: str
    en: str

    @classmethod
    def from_pair(cls, pair: Sequence[str]) -> "Label":
        return cls(en=pair[0], zh=pair[1])


def parse_label(data: Any, path: str) -> Label:
    fields = parse_fields(data, path, required=("zh", "en"))
    texts = {name: parse_text(text, f"{path}.{name}").strip() for name, text in fields.items()}
    for name, text in texts.items():
        if not text:
            raise ValidationFailed.for_field(f"{path}.{name}", ProblemCode.REQUIRED())
    return Label(**texts)


class Group(StrEnum):
    """Where a form puts a parameter; the order is that of a form."""

    BASIC = "basic"
    SIZE = "size"
    LOOK = "look"
    PROMPT = "prompt"
    SAMPLING = "sampling"
    EDITING = "editing"
    OUTPUT = "output"
    SAFETY = "safety"
    OTHER = "other"
    TRIAL = "trial"

    @property
    def label(self) -> Label:
        return Label.from_pair(words_of("imagegen_core")["Group"][self])


@attrs.frozen(kw_only=True)
class FormField:
    """One parameter in a form; ``choices`` are labels of its values, which need not all have one."""

    label: Label
    group: Group = Group.OTHER
    unit: Label | None = None
    description: Label | None = None
    choices: Mapping[str, Label] = attrs.field(factory=dict, converter=frozen_mapping)


def fields_of(package: str) -> Mapping[str, FormField]:
    fields = {}
    for name, words in words_of(package)["FormField"].items():
        labels = {
            key: Label.from_pair(words[key]) for key in ("label", "unit", "description") if key in words
        }
        choices = {value: Label.from_pair(pair) for value, pair in words.get("choices", {}).items()}
        fields[name] = FormField(group=Group(words["group"]), choices=choices, **labels)
    return MappingProxyType(fields)


KNOWN_FIELDS = fields_of("imagegen_core")  # by the canonical name of the parameter


def form_field_of(name: str) -> FormField:
    """Return the form field of a parameter; one that nobody knows is labelled by its name."""
    return KNOWN_FIELDS.get(name) or FormField(label=Label(zh=name, en=name))


SIZE_NAMES = ("width", "height", "size", "aspect_ratio", "image_size")
"""The parameters that set the size: one control of a form, called ``size``."""

STANDARD_RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
"""The shapes that are offered where a model takes any."""

STANDARD_RESOLUTIONS: Mapping[str, int] = MappingProxyType({"512": 512, "1K": 1024, "2K": 2048, "4K": 4096})
"""Names of resolutions, and the side of a square image in pixels."""


@attrs.frozen(kw_only=True)
class SizePreset:
    """One size, such as ``ratio`` 16:9 at ``resolution`` 2K; what is unknown before the image exists is None.

    ``params`` go into a request. ``operations`` are those that make it; empty for all of the model's.
    """

    label: str
    params: Mapping[str, Any] = attrs.field(converter=frozen_mapping)
    ratio: str | None = None
    resolution: str | None = None
    width: int | None = None
    height: int | None = None
    operations: tuple[Operation, ...] = ()


def labelled(presets: Iterable[SizePreset]) -> tuple[SizePreset, ...]:
    """Return the presets with labels that tell them apart, by ratio and resolution as far as needed."""
    sizes = tuple(presets)
    ratios = Counter(preset.ratio for preset in sizes)

    def short(preset: SizePreset) -> str:
        if preset.ratio is None:
            return preset.label
        is_plain = ratios[preset.ratio] == 1 or preset.resolution is None
        return preset.ratio if is_plain else f"{preset.ratio} {preset.resolution}"

    labels = Counter(map(short, sizes))

    def label(preset: SizePreset) -> str:
        text = short(preset)
        return text if labels[text] == 1 else f"{text} {preset.width}x{preset.height}"

    return tuple(attrs.evolve(preset, label=label(preset)) for preset in sizes)


def framed(
    ratios: Iterable[str],
    resolutions: Iterable[str] = (),
    *,
    dimensions: Callable[[Mapping[str, Any]], tuple[int, int]] | None = None,
) -> tuple[SizePreset, ...]:
    """Return the sizes of a model that takes ``aspect_ratio`` and, if it has tiers, ``image_size``.

    A value that is no ratio, such as ``auto``, leaves the shape to the model.
    """
    presets = []
    for resolution, ratio in product(tuple(resolutions) or (None,), ratios):
        params = {"aspect_ratio": ratio} | ({} if resolution is None else {"image_size": resolution})
        width, height = (None, None) if dimensions is None else dimensions(params)
        presets.append(
            SizePreset(
                label=ratio if resolution is None else f"{ratio} {resolution}",
                ratio=ratio if ":" in ratio else None,
                resolution=resolution,
                width=width,
                height=height,
                params=params,
            )
        )
    return labelled(presets)


def in_pixels(
    sides_of: Callable[[float, int], tuple[int, int] | None], resolutions: Mapping[str, int]
) -> tuple[SizePreset, ...]:
    """Return the sizes of a model that takes any number of pixels, each once.

    ``sides_of`` takes a shape (width by height) and the side of the square of equal area; None: no such size.
    """
    presets: dict[tuple[int, int], SizePreset] = {}
    for resolution, side in resolutions.items():
        for ratio in STANDARD_RATIOS:
            across, down = map(int, ratio.split(":"))
            sides = sides_of(across / down, side)
            if sides is not None and sides not in presets:
                presets[sides] = attrs.evolve(_in_pixels(ratio, *sides), resolution=resolution)
    return labelled(presets.values())


def _in_pixels(ratio: str, width: int, height: int) -> SizePreset:
    params = {"size": f"{width}x{height}"}
    return SizePreset(label=ratio, ratio=ratio, width=width, height=height, params=params)


def generic() -> tuple[SizePreset, ...]:
    sizes = (("1:1", 1024, 1024), ("3:2", 1536, 1024), ("2:3", 1024, 1536))
    return tuple(_in_pixels(*size) for size in sizes)
