"""Texts and help in the reader's language, and the options that choose it.

``chinese.yaml`` has the Chinese by the English, help by paragraphs.
"""

import copy
import gettext
import inspect
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import cache
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import TypeVar, cast

import attrs
import click

from imagegen_core.messages import Argument, Language, Message, MessageCode

_Command = TypeVar("_Command", bound=click.Command)

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


# ---------------------------------------------------------------- help

_MAX_COLUMNS = 100
_MIN_COLUMNS = 30
_MAX_TERM_CELLS = 30  # a longer option gets a line of its own
_NO_WRAP = "\b"  # click's mark for text that is not wrapped
_HEADINGS = {Language.EN: "Examples:", Language.ZH: "示例："}


class _Formatter(click.HelpFormatter):
    """Counts terminal cells, not characters, and breaks lines between Chinese characters."""

    usage, colon = "Usage: ", ":"

    def __init__(self, *, width: int | None = None, max_width: int | None = None) -> None:
        columns = min(width or shutil.get_terminal_size().columns, max_width or _MAX_COLUMNS)
        super().__init__(width=max(columns, _MIN_COLUMNS))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        start = f"{self.usage if prefix is None else prefix}{prog} "
        first, *more = wrapped(start + args, self.width)
        indent = min(width_of(start), self.width // 2)
        self.write(f"{first}\n")
        self._write_lines(wrapped(" ".join(more), self.width - indent), indent)

    def write_heading(self, heading: str) -> None:
        self._write_lines([f"{heading}{self.colon}"], self.current_indent)

    def write_text(self, text: str) -> None:
        if text.startswith(_NO_WRAP):
            self._write_lines(text.splitlines()[1:], 0)
            return
        for number, paragraph in enumerate(text.split("\n\n")):
            self.write("\n" if number else "")
            self._write_lines(wrapped(paragraph, self.width - self.current_indent), self.current_indent)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        pairs = list(rows)
        most = min(_MAX_TERM_CELLS, self.width // 2)
        terms = min(most, max(width_of(term) for term, _ in pairs))
        indent = self.current_indent + terms + col_spacing
        for term, text in pairs:
            lines = wrapped(text, self.width - indent)
            beside = lines[:1] if width_of(term) <= terms else []
            self._write_lines(["".join((padded(term, terms + col_spacing), *beside))], self.current_indent)
            self._write_lines(lines[len(beside) :], indent)

    def _write_lines(self, lines: Iterable[str], indent: int) -> None:
        self.write("".join(f"{' ' * indent}{line}".rstrip() + "\n" for line in lines))


class _ChineseFormatter(_Formatter):
    usage, colon = "用法：", "："

    def write_heading(self, heading: str) -> None:
        super().write_heading(chinese(heading))


class _Context(click.Context):
    formatter_class = _Formatter


class _ChineseContext(click.Context):
    formatter_class = _ChineseFormatter


def for_reader(command: _Command, language: Language, path: str = "") -> _Command:
    """Return a copy with help in a language and the reader's options; ``path`` is such as ``tasks list``."""
    own = copy.copy(command)
    own.context_class = _ChineseContext if language is Language.ZH else _Context
    own.params = [*map(copy.copy, own.params), *_reader_options(hidden=bool(path))]
    if isinstance(own, click.Group):
        own.commands = {
            name: for_reader(child, language, f"{path} {name}".strip())
            for name, child in own.commands.items()
        }
        if language is Language.ZH:
            own.subcommand_metavar = "命令 [参数]..."
    if language is Language.ZH:
        own.options_metavar = "[选项]"
        own.help, own.short_help = help_in_chinese(own.help or ""), help_in_chinese(own.short_help or "")
        for option in (param for param in own.params if isinstance(param, click.Option)):
            option.help = help_in_chinese(option.help or "")
    lines = (f"  {line}" for line in examples_of(own, path))
    own.epilog = "\n".join((_NO_WRAP, _HEADINGS[language], *lines))
    return own


def examples_of(command: click.Command, path: str) -> Sequence[str]:
    arguments = (each for each in command.params if isinstance(each, click.Argument))
    names = (each.metavar or str(each.name).upper() for each in arguments)
    return EXAMPLES.get(path) or (" ".join(("imagegen", path, *names)),)


# ---------------------------------------------------------------- language and colour

NO_COLOR, FORCE_COLOR = "NO_COLOR", "FORCE_COLOR"

_VARIABLES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "--lang": {str(language): {LANGUAGE_VARIABLE: str(language)} for language in Language},
    "--color": {
        "auto": {NO_COLOR: "", FORCE_COLOR: ""},
        "always": {NO_COLOR: "", FORCE_COLOR: "1"},
        "never": {NO_COLOR: "1", FORCE_COLOR: ""},
    },
}
"""The variables that each option sets before parsing, so that usage errors follow it, too."""


def _reader_options(*, hidden: bool) -> list[click.Option]:
    """Return click's options; only the program's help shows them."""
    helps = {
        "--lang": "The language of all that is said, in any place; left out: Chinese in a zh locale "
        "(LC_ALL, LC_MESSAGES, LANG), else English.",
        "--color": "Colours, in any place; left out: as NO_COLOR or FORCE_COLOR say, else on a terminal.",
    }
    return [
        click.Option(
            [name],
            type=click.Choice([*values]),
            envvar=LANGUAGE_VARIABLE if name == "--lang" and not hidden else None,
            show_envvar=True,
            expose_value=False,
            is_eager=True,  # a wrong value is refused before help is shown
            hidden=hidden,
            help=helps[name],
        )
        for name, values in _VARIABLES.items()
    ]


def apply_reader_options(arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Set the variables of the last options before ``--``; unknown values are left for click to refuse."""
    rest = iter(arguments)
    for argument in takewhile(lambda argument: argument != "--", rest):
        name, equals, value = argument.partition("=")
        if name in _VARIABLES:
            environ.update(_VARIABLES[name].get(value if equals else next(rest, ""), {}))


def colour_of(environ: Mapping[str, str]) -> bool | None:
    """Return whether to write colours; None leaves it to the terminal."""
    if environ.get(NO_COLOR) or environ.get("TERM") == "dumb":
        return False
    return True if environ.get(FORCE_COLOR) else None


# ---------------------------------------------------------------- examples

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        'imagegen generate "一只可爱的猫" -o cat.png',
        "imagegen images search 猫",
        "imagegen --server https://images.example.com --token file:token tasks list",
    ),
    "backup": ("imagegen backup imagegen-2026-11-27.tar",),
    "batch": (
        "imagegen batch prompts.txt -p openai --max-cost 5USD",
        "imagegen batch animals.csv --template '一只{animal}在{place}'",
    ),
    "batches": ("imagegen batches list --status running",),
    "batches list": ("imagegen batches list --status paused",),
    "collections": ('imagegen collections create "夜景 2026"', 'imagegen collections add "夜景 2026" 7 8 9'),
    "collections add": ('imagegen collections add "夜景 2026" 7 8 9',),
    "collections create": ('imagegen collections create "夜景 2026"',),
    "collections delete": ("imagegen collections delete 3",),
    "collections remove": ('imagegen collections remove "夜景 2026" 8',),
    "collections rename": ('imagegen collections rename "夜景 2026" 夜景',),
    "config": ("imagegen config check", "imagegen config show"),
    "config check": ("imagegen config check --config /etc/imagegen/config.yaml",),
    "doctor": (
        "imagegen doctor --config /etc/imagegen/config.yaml",
        "imagegen doctor --full --strict --json",
    ),
    "edit": (
        'imagegen edit "加一顶帽子" --image cat.png -o hat.png',
        'imagegen edit "a blue sky" --image image:7 --mask sky.png -p openai',
    ),
    "generate": (
        'imagegen generate "一只可爱的猫" -o cat.png',
        'imagegen generate "a lighthouse" -p openai -n 2 --param quality=high -o .',
    ),
    "images": ("imagegen images search 猫", "imagegen images show 7", "imagegen images zip cats.zip 7 8 9"),
    "images days": ("imagegen images days --tz Asia/Shanghai",),
    "images delete": ("imagegen images delete 7 8", "imagegen images delete --permanent 9"),
    "images export": ("imagegen images export backup --search 猫 --from 2026-11-01",),
    "images list": (
        "imagegen images list --provider gemini --from 2026-11-01 --all",
        "imagegen images list --favourite --tag 猫 --collection 夜景 --order oldest",
    ),
    "images restore": ("imagegen images restore 7 8",),
    "images search": ("imagegen images search 猫", 'imagegen images search "灯塔 海边" --mode relevant'),
    "images show": ("imagegen images show 7",),
    "images star": ("imagegen images star 7 8",),
    "images tag": ("imagegen images tag 猫 7 8",),
    "images tags": ("imagegen images tags --prefix 猫",),
    "images unstar": ("imagegen images unstar 7 8",),
    "images untag": ("imagegen images untag 猫 8",),
    "images zip": ("imagegen images zip cats.zip 7 8 9",),
    "keys": ("imagegen keys rotate",),
    "mcp": ("imagegen mcp", "imagegen --server https://images.example.com --token env:TOKEN mcp"),
    "migrate": ("imagegen migrate --to postgresql://imagegen@db.example/imagegen --dry-run",),
    "providers": (
        "imagegen providers set gemini --api-key env:GEMINI_API_KEY",
        "imagegen providers test gemini",
    ),
    "providers check": ("imagegen providers check --strict",),
    "providers remove": ("imagegen providers remove gemini",),
    "providers set": (
        "imagegen providers set gemini --api-key env:GEMINI_API_KEY",
        "imagegen providers set huawei-maas --api-key file:key --enable",
    ),
    "providers test": ("imagegen providers test gemini",),
    "recontext": ('imagegen recontext "on a beach" --image shoe.png -o beach.png',),
    "reference": ('imagegen reference "两只猫在下棋" --image cat.png --image image:7 -o chess.png',),
    "restore": ("imagegen restore imagegen-2026-11-27.tar",),
    "segment": ("imagegen segment --image street.png -o parts.png",),
    "serve": ("imagegen serve", "imagegen serve --config /etc/imagegen/config.yaml --port 0"),
    "storage": ("imagegen storage sync", "imagegen storage verify --dry-run"),
    "storage expire": ("imagegen storage expire --dry-run",),
    "storage verify": ("imagegen storage verify --sizes-only",),
    "styles": ("imagegen styles list", "imagegen styles import styles.json"),
    "styles delete": ("imagegen styles delete red-backdrop",),
    "styles import": ("imagegen styles import styles.json",),
    "styles show": ("imagegen styles show scene",),
    "tasks": (
        "imagegen tasks list --status failed",
        "imagegen tasks show TASK_ID",
        "imagegen tasks retry TASK_ID",
    ),
    "tasks cancel": ("imagegen tasks cancel TASK_ID", "imagegen tasks cancel --all --provider gemini"),
    "tasks inputs": ("imagegen tasks inputs TASK_ID", "imagegen tasks inputs TASK_ID -o ."),
    "tasks list": ("imagegen tasks list --status failed", "imagegen tasks list --all --json"),
    "tasks rerun": ("imagegen tasks rerun TASK_ID --prompt 一只可爱的狗 --param seed=",),
    "tasks response": ("imagegen tasks response TASK_ID -o answer.gif",),
    "upscale": (
        "imagegen upscale --image cat.png --factor x4 -o large.png",
        "convert cat.gif png:- | imagegen upscale --image - -o large.png",
    ),
    "usage": ("imagegen usage --from 2026-11-01 --group-by provider --tz Asia/Shanghai",),
    "webhooks": ("imagegen webhooks add https://receiver.example/imagegen", "imagegen webhooks test 1"),
    "webhooks add": (
        "imagegen webhooks add https://receiver.example/imagegen",
        "imagegen webhooks add http://n8n.lan:5678/webhook/x --event task.completed",
    ),
    "webhooks deliveries": ("imagegen webhooks deliveries 1 --status failed",),
    "webhooks edit": ("imagegen webhooks edit 1 --enable",),
    "webhooks remove": ("imagegen webhooks remove 1",),
    "webhooks replay": ("imagegen webhooks replay 12",),
    "webhooks rotate": ("imagegen webhooks rotate 1",),
    "webhooks show": ("imagegen webhooks show 1",),
    "webhooks test": ("imagegen webhooks test 1",),
}
"""By command, the same in every language; one without any shows how it is called."""
