"""What a form shows of a parameter, and the sizes that it offers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.operations import Operation
from imagegen_core.prices import parse_fields, parse_text
from imagegen_core.problems import ProblemCode
from imagegen_core.values import frozen_mapping


@attrs.frozen(kw_only=True)
class Label:
    """A few words for people, in Chinese and in English."""

    zh: str
    en: str


def parse_label(data: Any, path: str) -> Label:
    """Return a label from plain values.

    Raises:
        ValidationFailed: a language is missing or empty; with its path.
    """
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
        """Its heading."""
        return _HEADINGS[self]


_HEADINGS: Mapping[Group, Label] = MappingProxyType(
    {
        Group.BASIC: Label(zh="基本", en="Basics"),
        Group.SIZE: Label(zh="尺寸", en="Size"),
        Group.LOOK: Label(zh="画面", en="Look"),
        Group.PROMPT: Label(zh="提示词处理", en="Prompt handling"),
        Group.SAMPLING: Label(zh="采样", en="Sampling"),
        Group.EDITING: Label(zh="编辑", en="Editing"),
        Group.OUTPUT: Label(zh="输出", en="Output"),
        Group.SAFETY: Label(zh="内容安全", en="Safety"),
        Group.OTHER: Label(zh="其他", en="Other"),
        Group.TRIAL: Label(zh="试验", en="Trying things out"),
    }
)


@attrs.frozen(kw_only=True)
class FormField:
    """One parameter in a form; ``choices`` are labels of its values, which need not all have one."""

    label: Label
    group: Group = Group.OTHER
    unit: Label | None = None
    description: Label | None = None
    choices: Mapping[str, Label] = attrs.field(factory=dict, converter=frozen_mapping)

    @classmethod
    def labelled(
        cls,
        zh: str,
        en: str,
        group: Group = Group.OTHER,
        *,
        unit: Label | None = None,
        description: tuple[str, str] | None = None,
        choices: Mapping[str, tuple[str, str]] | None = None,
    ) -> "FormField":
        """Return a field; each pair is the words in Chinese and in English."""
        return cls(
            label=Label(zh=zh, en=en),
            group=group,
            unit=unit,
            description=None if description is None else Label(zh=description[0], en=description[1]),
            choices={value: Label(zh=pair[0], en=pair[1]) for value, pair in (choices or {}).items()},
        )


PIXELS = Label(zh="像素", en="px")

_LEVELS = {
    "auto": ("自动", "Auto"),
    "minimal": ("最少", "Minimal"),
    "low": ("低", "Low"),
    "medium": ("中", "Medium"),
    "high": ("高", "High"),
    "xhigh": ("很高", "Very high"),
    "max": ("最高", "Maximum"),
}

_labelled = FormField.labelled

KNOWN_FIELDS: Mapping[str, FormField] = MappingProxyType(
    {
        "num": _labelled("张数", "Images", Group.BASIC),
        "negative_prompt": _labelled(
            "反向提示词", "Negative prompt", Group.BASIC, description=("不希望出现的内容", "what not to show")
        ),
        "size": _labelled(
            "尺寸",
            "Size",
            Group.SIZE,
            description=("宽x高，或模型自有的写法", "WIDTHxHEIGHT, or a word of the model's own"),
            choices={"auto": _LEVELS["auto"]},
        ),
        "aspect_ratio": _labelled("宽高比", "Aspect ratio", Group.SIZE, choices={"auto": _LEVELS["auto"]}),
        "image_size": _labelled("分辨率", "Resolution", Group.SIZE),
        "resolution": _labelled("分辨率", "Resolution", Group.SIZE),
        "width": _labelled("宽", "Width", Group.SIZE, unit=PIXELS),
        "height": _labelled("高", "Height", Group.SIZE, unit=PIXELS),
        "quality": _labelled(
            "质量",
            "Quality",
            Group.LOOK,
            choices={**_LEVELS, "standard": ("标准", "Standard"), "hd": ("高清", "HD")},
        ),
        "style": _labelled("风格", "Style", Group.LOOK),
        "substyle": _labelled("子风格", "Substyle", Group.LOOK),
        "style_preset": _labelled("风格预设", "Style preset", Group.LOOK),
        "background": _labelled(
            "背景",
            "Background",
            Group.LOOK,
            choices={
                "auto": _LEVELS["auto"],
                "opaque": ("不透明", "Opaque"),
                "transparent": ("透明", "Transparent"),
            },
        ),
        "prompt_extend": _labelled("智能扩写提示词", "Extend the prompt", Group.PROMPT),
        "prompt_optimizer": _labelled("优化提示词", "Optimise the prompt", Group.PROMPT),
        "prompt_upsampling": _labelled("扩写提示词", "Upsample the prompt", Group.PROMPT),
        "enhance_prompt": _labelled("增强提示词", "Enhance the prompt", Group.PROMPT),
        "revise": _labelled("改写提示词", "Revise the prompt", Group.PROMPT),
        "grounding": _labelled(
            "联网检索", "Grounding", Group.PROMPT, description=("作图前先检索资料", "look things up first")
        ),
        "thinking_mode": _labelled("思考模式", "Thinking", Group.PROMPT),
        "thinking_level": _labelled("思考程度", "Thinking level", Group.PROMPT, choices=_LEVELS),
        "seed": _labelled(
            "随机种子",
            "Seed",
            Group.SAMPLING,
            description=(
                "同样的种子得到相近的图；留空则随机",
                "the same seed, a similar image; empty: random",
            ),
        ),
        "steps": _labelled("步数", "Steps", Group.SAMPLING),
        "cfg_scale": _labelled(
            "提示词相关性",
            "Guidance scale",
            Group.SAMPLING,
            description=("越大越贴近提示词", "the greater, the closer to the prompt"),
        ),
        "sampler_name": _labelled("采样器", "Sampler", Group.SAMPLING),
        "scheduler": _labelled("调度器", "Scheduler", Group.SAMPLING),
        "edit_mode": _labelled(
            "编辑方式",
            "Edit mode",
            Group.EDITING,
            choices={
                "EDIT_MODE_DEFAULT": ("默认", "Default"),
                "EDIT_MODE_INPAINT_INSERTION": ("局部重绘", "Repaint"),
                "EDIT_MODE_INPAINT_REMOVAL": ("移除", "Remove"),
                "EDIT_MODE_OUTPAINT": ("扩图", "Outpaint"),
                "EDIT_MODE_BGSWAP": ("换背景", "Swap the background"),
                "EDIT_MODE_CONTROLLED_EDITING": ("受控编辑", "Controlled editing"),
                "EDIT_MODE_STYLE": ("改风格", "Change the style"),
                "EDIT_MODE_PRODUCT_IMAGE": ("商品图", "Product image"),
            },
        ),
        "upscale_factor": _labelled(
            "放大倍数",
            "Upscale factor",
            Group.EDITING,
            choices={"x2": ("2 倍", "2 times"), "x4": ("4 倍", "4 times")},
        ),
        "mode": _labelled(
            "分割方式",
            "Segmentation",
            Group.EDITING,
            choices={
                "FOREGROUND": ("前景", "Foreground"),
                "BACKGROUND": ("背景", "Background"),
                "PROMPT": ("按提示词", "By the prompt"),
                "SEMANTIC": ("按语义", "Semantic"),
                "INTERACTIVE": ("交互", "Interactive"),
            },
        ),
        "strength": _labelled(
            "重绘强度",
            "Strength",
            Group.EDITING,
            description=("越大离原图越远", "the greater, the further from the original"),
        ),
        "output_format": _labelled("文件格式", "File format", Group.OUTPUT),
        "output_compression": _labelled("压缩质量", "Compression", Group.OUTPUT, unit=Label(zh="%", en="%")),
        "partial_images": _labelled(
            "过程图",
            "Partial images",
            Group.OUTPUT,
            description=("生成途中先看几张，每张另计费", "how many to see on the way; each costs extra"),
        ),
        "watermark": _labelled("水印", "Watermark", Group.OUTPUT),
        "response_format": _labelled(
            "返回方式",
            "Response format",
            Group.OUTPUT,
            choices={"url": ("链接", "URL"), "b64_json": ("内嵌数据", "Inline data")},
        ),
        "moderation": _labelled(
            "审核强度",
            "Moderation",
            Group.SAFETY,
            choices={"auto": ("标准", "Standard"), "low": ("宽松", "Low")},
        ),
        "safety_tolerance": _labelled(
            "安全容忍度",
            "Safety tolerance",
            Group.SAFETY,
            description=("越大越宽松", "the greater, the more is allowed"),
        ),
    }
)
"""By the canonical name of the parameter."""


def form_field_of(name: str) -> FormField:
    """Return what a form says of a parameter; one that nobody knows is labelled by its name."""
    return KNOWN_FIELDS.get(name) or FormField(label=Label(zh=name, en=name))


SIZE_NAMES = ("width", "height", "size", "aspect_ratio", "image_size")
"""The parameters that set the size: one control of a form, called ``size``."""

STANDARD_RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
"""The shapes that are offered where a model takes any."""

STANDARD_RESOLUTIONS: Mapping[str, int] = MappingProxyType({"512": 512, "1K": 1024, "2K": 2048, "4K": 4096})
"""Names of resolutions, and the side of a square image in pixels."""


@attrs.frozen(kw_only=True)
class SizePreset:
    """One size. What is not known before the image is there is None; ``params`` are what a request contains.

    ``ratio`` is such as ``16:9``, ``resolution`` such as ``2K``. ``operations`` are those that make it; empty
    for all that the model can do.
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
    short = [_short_label(preset, alone=ratios[preset.ratio] == 1) for preset in sizes]
    labels = Counter(short)
    return tuple(
        attrs.evolve(
            preset,
            label=label if labels[label] == 1 else f"{label} {preset.width}x{preset.height}",
        )
        for preset, label in zip(sizes, short, strict=True)
    )


def _short_label(preset: SizePreset, *, alone: bool) -> str:
    if preset.ratio is None:
        return preset.label
    return preset.ratio if alone or preset.resolution is None else f"{preset.ratio} {preset.resolution}"


def framed(
    ratios: Iterable[str],
    resolutions: Iterable[str] = (),
    *,
    dimensions: Callable[[Mapping[str, Any]], tuple[int, int]] | None = None,
) -> tuple[SizePreset, ...]:
    """Return the sizes of a model that takes ``aspect_ratio`` and, if it has tiers, ``image_size``.

    A ratio that is none, such as ``auto``, leaves the shape to the model. ``dimensions`` gives the sides in
    pixels for parameters, where they are known.
    """
    return labelled(
        _framed(ratio, resolution, dimensions)
        for resolution in (tuple(resolutions) or (None,))
        for ratio in ratios
    )


def _framed(
    ratio: str, resolution: str | None, dimensions: Callable[[Mapping[str, Any]], tuple[int, int]] | None
) -> SizePreset:
    params = {"aspect_ratio": ratio} | ({} if resolution is None else {"image_size": resolution})
    width, height = (None, None) if dimensions is None else dimensions(params)
    return SizePreset(
        label=ratio if resolution is None else f"{ratio} {resolution}",
        ratio=ratio if ":" in ratio else None,
        resolution=resolution,
        width=width,
        height=height,
        params=params,
    )


def in_pixels(
    sides_of: Callable[[float, int], tuple[int, int] | None], resolutions: Mapping[str, int]
) -> tuple[SizePreset, ...]:
    """Return the sizes of a model that takes any number of pixels, each once.

    ``sides_of`` gives width and height for a shape (width by height) and the side of the square with as many
    pixels; None where the model has no such size.
    """
    presets: dict[tuple[int, int], SizePreset] = {}
    for resolution, side in resolutions.items():
        for ratio in STANDARD_RATIOS:
            across, down = ratio.split(":")
            sides = sides_of(int(across) / int(down), side)
            if sides is not None and sides not in presets:
                width, height = sides
                presets[sides] = SizePreset(
                    label=ratio,
                    ratio=ratio,
                    resolution=resolution,
                    width=width,
                    height=height,
                    params={"size": f"{width}x{height}"},
                )
    return labelled(presets.values())


def generic() -> tuple[SizePreset, ...]:
    """Return the sizes that most models take, for one of which nothing is known."""
    sizes = (("1:1", 1024, 1024), ("3:2", 1536, 1024), ("2:3", 1024, 1536))
    return tuple(
        SizePreset(label=ratio, ratio=ratio, width=width, height=height, params={"size": f"{width}x{height}"})
        for ratio, width, height in sizes
    )
