"""What a pipe and a terminal get of the same rows."""

import sys

import click
import pytest

from imagegen_http.cli.output import Column, show_table
from imagegen_http.cli.words import message

COLUMNS = (
    Column("task", "task_id"),
    Column("status", "status", "status"),
    Column("operation", "operation", "word"),
    Column("error", "error.code"),
)
TASK = {"task_id": "7", "status": "completed", "operation": "reference", "error": None}


def show(*, colour):
    """Show a row, as a command does that was called with or without colours."""
    with click.Context(click.Command("list"), color=colour):
        show_table(COLUMNS, [TASK], empty=message("no tasks in {path}", path="data"))


@pytest.mark.parametrize(
    ("colour", "line"),
    [
        (None, "7\tcompleted\treference\t\n"),
        (False, "7\tcompleted\treference\t\n"),
        (True, "7\t\x1b[32mcompleted\x1b[0m\treference\t\n"),
    ],
)
def test_a_pipe_has_colours_where_they_are_asked_for(colour, line, capsys):
    """And nowhere else; each value is the API's."""
    show(colour=colour)

    assert line == capsys.readouterr().out


def test_a_terminal_has_words_for_values(capsys, monkeypatch):
    """In the reader's language."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("IMAGEGEN_LANG", "zh")
    show(colour=False)

    assert "参考图" in capsys.readouterr().out


def test_what_a_newer_service_has_is_called_as_there(capsys, monkeypatch):
    """A status that is unknown here is shown all the same."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("IMAGEGEN_LANG", "zh")
    show_table(COLUMNS, [TASK | {"status": "postponed"}], empty=message("no tasks in {path}", path="data"))

    assert "postponed" in capsys.readouterr().out
