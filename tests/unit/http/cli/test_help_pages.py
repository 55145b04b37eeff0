"""The help of each command in both languages, on screens of any width."""

import functools
import re
import shlex

import click
import pytest

from imagegen_core.messages import Language
from imagegen_http.cli import COMMANDS, cli, load, program
from imagegen_http.cli.words import EXAMPLES, chinese_texts, examples_of, paragraphs, teach_click, width_of

load()


@pytest.fixture(autouse=True)
def english():
    """Whatever a test has let click speak."""
    yield
    teach_click(Language.EN)


def _commands(command, *path):
    """Yield the program and all its commands with their paths."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, *path, name)


PATHS = [path for path, _ in _commands(cli)]


_program = functools.cache(program)
"""Building it takes most of the time of a page, and no page changes it."""


def _page(path, language, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    teach_click(language)
    _program(language).main([*path, "--help"], prog_name="imagegen", standalone_mode=False)
    return capsys.readouterr().out


def _texts():
    """Yield all paragraphs of the help."""
    yield from (text for _, text in COMMANDS.values())
    for _, command in _commands(cli):
        options = [param.help for param in command.params if isinstance(param, click.Option)]
        for text in (command.help, command.short_help, *options):
            yield from paragraphs(text or "")


def test_each_paragraph_of_the_help_has_its_chinese():
    """Whoever changes the English has to look at the Chinese."""
    assert set() == {text for text in _texts() if text} - chinese_texts().keys()


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_no_wider_than_the_screen(path, language, columns, monkeypatch, capsys):
    """Only what cannot be broken is: an option with its value."""
    page = _page(path, language, columns, monkeypatch, capsys)
    lines = re.split("Examples:|示例：", page)[0].splitlines()
    terms = re.compile(r" *(?:-\S+(?: .*)?|\S*)")

    assert [] == [line for line in lines if width_of(line) > min(columns, 100) and not terms.fullmatch(line)]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_in_one_language(path, monkeypatch, capsys):
    """No English sentence stands in the Chinese help, and no Chinese in the English."""
    chinese = _page(path, Language.ZH, 80, monkeypatch, capsys)
    english = _page(path, Language.EN, 80, monkeypatch, capsys)

    assert english.partition("Examples:")[0].isascii()
    assert [] == re.findall(
        r"\b[a-z]+ [a-z]+ [a-z]+\b", chinese.partition("[选项]")[2].partition("示例：")[0]
    )
    assert [True] * 3 == [words in chinese for words in ("用法：", "选项：", "显示本说明。")]


ALL = {" ".join(path): command for path, command in _commands(cli)}
LEAVES = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


def test_each_group_has_examples_of_its_own():
    """It is not called by itself, and nothing has examples that is no command."""
    assert ALL.keys() - LEAVES.keys() <= EXAMPLES.keys() <= ALL.keys()


@pytest.mark.parametrize(
    ("path", "example"),
    [(path, example) for path, command in ALL.items() for example in examples_of(command, path)],
    ids=lambda value: value,
)
def test_each_example_is_one_that_the_command_takes(path, example):
    """With its options and arguments, in a line of a terminal of 80 columns."""
    words = shlex.split(example.rpartition("| ")[2])
    name, arguments = next(
        (leaf, words[start + len(leaf.split()) :])
        for start in range(len(words))
        for leaf in sorted(LEAVES, key=len, reverse=True)
        if leaf.split() == words[start : start + len(leaf.split())]
    )

    assert width_of(f"  {example}") <= 80
    assert name == path or ALL[path] is cli or name.startswith(f"{path} ")
    assert LEAVES[name].make_context(name, arguments) is not None
