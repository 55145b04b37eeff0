"""Help as a terminal of any width shows it, in the reader's language."""

import copy
import shutil
from collections.abc import Iterable
from typing import TypeVar

import click

from imagegen_core.messages import Language
from imagegen_http.cli.cells import padded, width_of, wrapped
from imagegen_http.cli.click_words import CHINESE
from imagegen_http.cli.examples import EXAMPLES
from imagegen_http.cli.reader_options import reader_options

_Command = TypeVar("_Command", bound=click.Command)

_MAX_COLUMNS = 100
_MIN_COLUMNS = 30
_MAX_TERM_CELLS = 30
"""A longer option stands in a line of its own, above what is said of it."""

_AS_IT_IS = "\b"
"""What click has before text that is not to be wrapped."""

_EXAMPLES = {Language.EN: "Examples:", Language.ZH: "示例："}


class _Formatter(click.HelpFormatter):
    """Counts cells where click counts characters, and breaks lines between Chinese characters."""

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
        if text.startswith(_AS_IT_IS):
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
        super().write_heading(CHINESE.get(heading, heading))


class _Context(click.Context):
    formatter_class = _Formatter


class _ChineseContext(click.Context):
    formatter_class = _ChineseFormatter


def for_reader(command: _Command, language: Language, path: str = "") -> _Command:
    """Return a copy of a command whose help is in a language, and which takes ``--lang`` and ``--color``.

    ``path`` are the words that call it; the program itself has none.
    """
    own = copy.copy(command)
    own.context_class = _ChineseContext if language is Language.ZH else _Context
    own.params = [*map(copy.copy, own.params), *reader_options(hidden=bool(path))]
    if isinstance(own, click.Group):
        own.commands = {
            name: for_reader(child, language, f"{path} {name}".strip())
            for name, child in own.commands.items()
        }
    if language is Language.ZH:
        _translate(own)
    if examples := EXAMPLES.get(path):
        own.epilog = "\n".join((_AS_IT_IS, _EXAMPLES[language], *(f"  {line}" for line in examples)))
    return own


def _translate(command: click.Command) -> None:
    from imagegen_http.cli.translations import in_chinese

    command.help = in_chinese(command.help or "")
    command.short_help = in_chinese(command.short_help or "")
    command.options_metavar = "[选项]"
    if isinstance(command, click.Group):
        command.subcommand_metavar = "命令 [参数]..."
    for param in command.params:
        if isinstance(param, click.Option):
            param.help = in_chinese(param.help or "")
