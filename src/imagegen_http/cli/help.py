"""Help in the reader's language on a terminal of any width, with examples; ``--lang`` and ``--color``."""

import copy
import shutil
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from itertools import takewhile
from typing import TypeVar

import click

from imagegen_core.messages import Language
from imagegen_http.cli.words import LANGUAGE_VARIABLE, chinese, help_in_chinese, padded, width_of, wrapped

_Command = TypeVar("_Command", bound=click.Command)

_MAX_COLUMNS = 100
_MIN_COLUMNS = 30
_MAX_TERM_CELLS = 30  # a longer option gets a line of its own
_NO_WRAP = "\b"  # click's mark for text that is not wrapped
_HEADINGS = {Language.EN: "Examples:", Language.ZH: "示例："}


class _Formatter(click.HelpFormatter):
    """Counts terminal cells, not characters, and breaks lines between Chinese characters."""

    usage, colon = "Usage: ", ":"

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        columns = min(width or shutil.get_terminal_size().columns, _MAX_COLUMNS)
        super().__init__(indent_increment, width=max(columns, _MIN_COLUMNS))

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
    if examples := EXAMPLES.get(path):
        own.epilog = "\n".join((_NO_WRAP, _HEADINGS[language], *(f"  {line}" for line in examples)))
    return own


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

READER_OPTIONS = tuple(_VARIABLES)


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

EXAMPLES: Mapping[str, tuple[str, ...]] = {  # by command; the same in every language
    "": (
        'imagegen generate "一只可爱的猫" -o cat.png',
        "imagegen images search 猫",
        "imagegen --server https://images.example.com --token file:token tasks list",
    ),
    "backup": ("imagegen backup imagegen-2026-11-27.tar",),
    "collections": ('imagegen collections create "夜景 2026"', 'imagegen collections add "夜景 2026" 7 8 9'),
    "collections add": ('imagegen collections add "夜景 2026" 7 8 9',),
    "collections create": ('imagegen collections create "夜景 2026"',),
    "collections delete": ("imagegen collections delete 3",),
    "collections list": ("imagegen collections list",),
    "collections remove": ('imagegen collections remove "夜景 2026" 8',),
    "collections rename": ('imagegen collections rename "夜景 2026" 夜景',),
    "config": ("imagegen config check", "imagegen config show"),
    "config check": ("imagegen config check --config /etc/imagegen/config.yaml",),
    "config show": ("imagegen config show",),
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
    "images delete": ("imagegen images delete 7 8",),
    "images export": ("imagegen images export backup --search 猫 --from 2026-11-01",),
    "images list": (
        "imagegen images list --provider gemini --from 2026-11-01 --all",
        "imagegen images list --favourite --tag 猫 --collection 夜景",
    ),
    "images search": ("imagegen images search 猫", 'imagegen images search "灯塔 海边" --mode relevant'),
    "images show": ("imagegen images show 7",),
    "images star": ("imagegen images star 7 8",),
    "images tag": ("imagegen images tag 猫 7 8",),
    "images tags": ("imagegen images tags --prefix 猫",),
    "images unstar": ("imagegen images unstar 7 8",),
    "images untag": ("imagegen images untag 猫 8",),
    "images zip": ("imagegen images zip cats.zip 7 8 9",),
    "keys": ("imagegen keys rotate",),
    "keys rotate": ("imagegen keys rotate",),
    "migrate": ("imagegen migrate --to postgresql://imagegen@db.example/imagegen --dry-run",),
    "providers": (
        "imagegen providers set gemini --api-key env:GEMINI_API_KEY",
        "imagegen providers test gemini",
    ),
    "providers check": ("imagegen providers check --strict",),
    "providers list": ("imagegen providers list",),
    "providers remove": ("imagegen providers remove gemini",),
    "providers set": (
        "imagegen providers set gemini --api-key env:GEMINI_API_KEY",
        "imagegen providers set huawei-maas --api-key file:key --enable",
    ),
    "providers test": ("imagegen providers test gemini",),
    "recontext": ('imagegen recontext "on a beach" --image shoe.png -o beach.png',),
    "reference": ('imagegen reference "两只猫在下棋" --image cat.png --image image:7 -o chess.png',),
    "reindex": ("imagegen reindex",),
    "restore": ("imagegen restore imagegen-2026-11-27.tar",),
    "segment": ("imagegen segment --image street.png -o parts.png",),
    "serve": ("imagegen serve", "imagegen serve --config /etc/imagegen/config.yaml --port 0"),
    "storage": ("imagegen storage sync", "imagegen storage verify --dry-run"),
    "storage expire": ("imagegen storage expire --dry-run",),
    "storage sync": ("imagegen storage sync",),
    "storage verify": ("imagegen storage verify --sizes-only",),
    "tasks": (
        "imagegen tasks list --status failed",
        "imagegen tasks show TASK_ID",
        "imagegen tasks retry TASK_ID",
    ),
    "tasks cancel": ("imagegen tasks cancel TASK_ID", "imagegen tasks cancel --all --provider gemini"),
    "tasks counts": ("imagegen tasks counts",),
    "tasks inputs": ("imagegen tasks inputs TASK_ID", "imagegen tasks inputs TASK_ID -o ."),
    "tasks list": ("imagegen tasks list --status failed", "imagegen tasks list --all --json"),
    "tasks rerun": ("imagegen tasks rerun TASK_ID --prompt 一只可爱的狗 --param seed=",),
    "tasks response": ("imagegen tasks response TASK_ID -o answer.gif",),
    "tasks retry": ("imagegen tasks retry TASK_ID",),
    "tasks show": ("imagegen tasks show TASK_ID",),
    "upscale": (
        "imagegen upscale --image cat.png --factor x4 -o large.png",
        "convert cat.gif png:- | imagegen upscale --image - -o large.png",
    ),
    "usage": ("imagegen usage --from 2026-11-01 --group-by provider --tz Asia/Shanghai",),
}
