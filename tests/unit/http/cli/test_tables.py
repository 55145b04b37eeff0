"""What a pipe and a terminal get of the same rows."""

import sys

import click
import pytest

from imagegen_core.messages import Language
from imagegen_http.cli import tables
from imagegen_http.cli.messages import NoteCode
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

COLUMNS = (
    Column(TitleCode.TITLE_TASK),
    Column(TitleCode.TITLE_STATUS, Kind.STATUS),
    Column(TitleCode.TITLE_OPERATION, Kind.WORD),
)
EMPTY = NoteCode.NO_TASKS(path="data")


def show(*, colour):
    """Show a row, as a command does that was called with or without colours."""
    with click.Context(click.Command("list"), color=colour):
        tables.show(COLUMNS, [("7", "completed", "reference")], language=Language.ZH, empty=EMPTY)


@pytest.mark.parametrize(
    ("colour", "line"),
    [
        (None, "7\tcompleted\treference\n"),
        (False, "7\tcompleted\treference\n"),
        (True, "7\t\x1b[32mcompleted\x1b[0m\treference\n"),
    ],
)
def test_a_pipe_has_colours_where_they_are_asked_for(colour, line, capsys):
    """And nowhere else; each value is the API's."""
    show(colour=colour)

    assert line == capsys.readouterr().out


def test_a_terminal_has_words_for_values(capsys, monkeypatch):
    """In the reader's language."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(colour=False)

    assert "参考图" in capsys.readouterr().out
