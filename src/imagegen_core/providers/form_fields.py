"""What a form says of a parameter, in every language: its label, its group, its unit, its choices."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.sources import parse_fields, parse_text
from imagegen_core.values.frozen_mappings import frozen_mapping


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
