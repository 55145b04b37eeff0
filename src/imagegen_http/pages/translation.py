"""The document in Chinese: each sentence of the English one has its translation in ``chinese.yaml``."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from imagegen_core.messages import Language
from imagegen_http.api.errors import error_example
from imagegen_http.errors import TABLE

_TEXTS = frozenset({"description", "summary"})

_VALUES = frozenset({"example", "const", "enum", "default", "value"})
"""Keywords whose values are no part of the document's own words."""

_NAMED = frozenset({"properties", "schemas", "paths"})
"""Keywords whose values have names of ours for keys, which may be those of keywords."""

_CODE = re.compile(r"`[^`]*`")
_LETTER = re.compile(r"[^\W\d_]")


@cache
def chinese_texts() -> Mapping[str, str]:
    """Return the translations by their English text; neither has the full stop of a sentence."""
    source = (files("imagegen_http") / "pages" / "chinese.yaml").read_bytes()
    return msgspec.yaml.decode(source, type=dict[str, str])


def in_chinese(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with Chinese texts, and errors as a caller sees them in Chinese."""
    texts = {**chinese_texts(), **{row.en: row.zh for row in TABLE.values()}}

    def translate(paragraph: str) -> str:
        sentence = paragraph.removesuffix(".")
        chinese = texts.get(sentence, sentence)
        return chinese if paragraph == sentence else f"{chinese}。"

    translated: dict[str, Any] = _mapped(document, translate)
    for item in translated["paths"].values():
        for answer in (answer for operation in item.values() for answer in operation["responses"].values()):
            for content in answer.get("content", {}).values():
                for slug, example in content.get("examples", {}).items():
                    example["value"] = error_example(slug, Language.ZH)
    return translated


def sentences(document: Mapping[str, Any]) -> set[str]:
    """Return what ``chinese.yaml`` has to translate: all texts for people, but for the table of errors."""
    texts: set[str] = set()

    def collect(paragraph: str) -> str:
        texts.add(paragraph.removesuffix("."))
        return paragraph

    _mapped(document, collect)
    texts -= {row.en for row in TABLE.values()}
    return {text for text in texts if _LETTER.search(_CODE.sub("", text))}


def _mapped(part: Any, change: Callable[[str], str]) -> Any:
    """Return a part of the document, with each paragraph of its texts changed."""
    match part:
        case list():
            return [_mapped(item, change) for item in part]
        case dict():
            return {name: _mapped_field(name, value, change) for name, value in part.items()}
        case _:
            return part


def _mapped_field(name: str, value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str() if name in _TEXTS:
            return "\n\n".join(map(change, value.split("\n\n")))
        case dict() if name in _NAMED:
            return {key: _mapped(item, change) for key, item in value.items()}
        case list() if name == "examples":
            return value
        case _:
            return value if name in _VALUES else _mapped(value, change)
