"""What a form shows of a parameter, and the sizes it offers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import ProblemCode, words_of
from imagegen_core.prices import parse_fields, parse_text
from imagegen_core.requests import Operation
from imagegen_core.values import frozen_mapping


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
