"""Texts in the reader's language: ``chinese.yaml`` has the Chinese by the English, help by paragraphs."""

import gettext
import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

import attrs
import click

from imagegen_core.messages import Argument, Language, Message, MessageCode

LANGUAGE_VARIABLE = "IMAGEGEN_LANG"  # precedes the locale; `--lang` sets it for one command
_NO_LOCALE = frozenset({"", "C", "POSIX"})


def language_of(environ: Mapping[str, str]) -> Language:
    """Return the language of ``IMAGEGEN_LANG``, else of the locale's name, else English.

    As in gettext, ``LANGUAGE`` precedes a locale that is not ``C``.
    """
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    preferred = "" if locale in _NO_LOCALE else environ.get("LANGUAGE", "")
    language = environ.get(LANGUAGE_VARIABLE) or preferred or locale
    return Language.ZH if language.lower().startswith("zh") else Language.EN


def reader_language() -> Language:
    return language_of(os.environ)


@cache
def chinese_texts() -> Mapping[str, str]:
    """Return the Chinese by the English; each line is JSON, too, which loads faster than YAML."""
    lines = Path(__file__).with_name("chinese.yaml").read_text("utf-8").splitlines()
    texts: dict[str, str] = json.loads("{" + ",".join(line for line in lines if line.startswith('"')) + "}")
    return texts


def chinese(english: str) -> str:
    """Return a text in Chinese, itself if there is none."""
    return chinese_texts().get(english, english)


@attrs.frozen
class _Template:
    """What a message needs of its code."""

    en: str
    zh = property(lambda self: chinese(self.en))
    name = property(lambda self: self.en)


def message(words: Message | str, /, **arguments: Argument) -> Message:
    """Return the message of an English template and its arguments; a message stays as it is."""
    if isinstance(words, Message):
        return words
    return Message(code=cast("MessageCode", _Template(words)), args=arguments)


def in_words(words: Message | str, /, **arguments: Argument) -> str:
    """Return a message's text in the reader's language."""
    return message(words, **arguments).text(reader_language())


def label(kind: str, word: str) -> str:
    """Return a title's, status's or value's word in the reader's language; an unknown one stays as it is."""
    if reader_language() is Language.EN:
        return word
    return chinese_texts().get(f"{kind}: {word}", word)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text, each in one line."""
    return (" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def help_in_chinese(text: str) -> str:
    return "\n\n".join(map(chinese, paragraphs(text)))


# ---------------------------------------------------------------- cells of a terminal

ELLIPSIS = "…"

_WIDE = r"\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
_CLOSING = r"，。；：、！？）》」』】…"
_OPENING = r"（《「『【"
_UNIT = re.compile(rf"\s+|[{_OPENING}]*(?:[^\s{_WIDE}]+|[{_WIDE}])[{_CLOSING}]*|\S")
"""What no line is broken in: a word, or a Chinese character with its punctuation."""


def width_of(text: str) -> int:
    """Return the cells of a line: a Chinese character takes two, a combining one none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, cells: int) -> str:
    """Pad a text with spaces; a longer one stays as it is."""
    return text + " " * (cells - width_of(text))


def shortened(text: str, cells: int) -> str:
    """Cut a longer text, and end it with an ellipsis."""
    if width_of(text) <= cells:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS


def wrapped(paragraph: str, cells: int) -> list[str]:
    """Break a paragraph into lines at spaces and between Chinese characters."""
    lines, line = [], ""
    for match in _UNIT.finditer(paragraph):
        unit = " " if match[0].isspace() else match[0]
        if line and width_of(line) + width_of(unit) > cells and unit.strip():
            lines.append(line.rstrip())
            line = ""
        line += unit if line or unit.strip() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


# ---------------------------------------------------------------- click's texts

_CLICK_MODULES_WITH_TEXT = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
_PLAIN_ENGLISH = {"{value!r} is not a valid {number_type}.": "{value!r} is not a valid number."}


class _MissingParameter(click.MissingParameter):
    """Ends with a Chinese full stop; click always adds an English one."""

    def format_message(self) -> str:
        return "'。".join(super().format_message().split("'.", maxsplit=1))


def teach_click(language: Language) -> None:
    """Translate click's own texts; its gettext takes only binary catalogues, by locale."""
    is_chinese = language is Language.ZH
    words = {
        "_": chinese if is_chinese else lambda text: _PLAIN_ENGLISH.get(text, text),
        "MissingParameter": _MissingParameter if is_chinese else click.MissingParameter,
        "ngettext": _chinese_of_number if is_chinese else gettext.ngettext,
    }
    for name in _CLICK_MODULES_WITH_TEXT:
        module = vars(import_module(f"click.{name}"))
        module.update({word: words[word] for word in words.keys() & module.keys()})


def _chinese_of_number(singular: str, plural: str, number: int) -> str:
    return chinese(singular if number == 1 else plural)
