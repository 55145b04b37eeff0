"""The reference of the command line, in both languages, tells every command with all its options."""

import re
from pathlib import Path

import click
import pytest

from imagegen_core.messages import Language
from imagegen_core.requests import Operation
from imagegen_http import cli
from imagegen_http.cli.words import for_reader

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = pytest.mark.parametrize("docs", [DOCS, DOCS / "zh-CN"], ids=["English", "Chinese"])


def _commands(group, path=()):
    """Yield every command with its path; groups too."""
    for name, command in group.commands.items():
        full_path = (*path, name)
        yield " ".join(full_path), command
        if isinstance(command, click.Group):
            yield from _commands(command, full_path)


def _installed():
    """Return the program and all commands as the help lists them."""
    cli.load()
    return {"imagegen": cli.program(Language.EN), **dict(_commands(cli.cli))}


def _sections(docs):
    """Return the text below each heading that names a command."""
    page = docs / "reference" / "command-line.md"
    parts = re.split(r"^#{2,3} ", page.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def _options(command):
    """Return every spelling of every option."""
    return sorted(
        spelling
        for option in command.params
        if isinstance(option, click.Option)
        for spelling in (*option.opts, *option.secondary_opts)
    )


def _told_options(text):
    """Return every option in the first column of a command's table."""
    cells = re.findall(r"^\| (`-[^|]*) \|", text, re.MULTILINE)
    return sorted(word for cell in cells for word in re.findall(r"`(--?[a-z][a-z-]*)", cell))


@LANGUAGES
def test_every_command_is_told_and_every_told_command_is_there(docs):
    """The headings are the commands."""
    assert sorted(_installed()) == sorted(_sections(docs))


@LANGUAGES
@pytest.mark.parametrize("name", sorted(_installed()))
def test_every_option_is_told_and_every_told_option_is_there(docs, name):
    """The first column of a command's table is its options."""
    assert _options(_installed()[name]) == _told_options(_sections(docs)[name])


@LANGUAGES
def test_every_command_says_whether_it_works_with_a_node_elsewhere(docs):
    """In one row of the table."""
    commands = [name for name, command in _installed().items() if not isinstance(command, click.Group)]
    cells = re.findall(r"^\| (`[a-z][^|]*) \|", _sections(docs)["imagegen"], re.MULTILINE)

    assert sorted(commands) == sorted(name for cell in cells for name in re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize(
    "name", sorted(name for name, command in _installed().items() if isinstance(command, click.Group))
)
def test_lists_of_commands_fit_a_terminal_of_80_columns(name):
    """What is said of a command beside its name is not cut off."""
    group = _installed()[name]
    group = group if name == "imagegen" else for_reader(group, Language.EN, name)
    text = group.get_help(click.Context(group, info_name=name, terminal_width=80))

    assert [] == [line for line in text.partition("Commands:")[2].splitlines() if line.endswith("...")]


def test_the_help_says_of_each_command_what_the_command_says():
    """It loads none of them, so it has their first lines itself."""
    commands = _installed()["imagegen"].commands
    texts = {name: command.get_short_help_str(100) for name, command in commands.items()}
    program = cli.program(Language.EN)
    listed = re.findall(r"^  (\w+) +(.+)$", program.get_help(click.Context(program)), re.MULTILINE)

    assert texts == {name: text for name, text in listed if name in texts}


def test_each_operation_has_its_command():
    """With its own name."""
    assert set() == set(Operation) - cli.COMMANDS.keys()


def test_images_are_filtered_by_all_operations():
    """Each command that filters takes every operation of the core's table."""
    choices = [
        tuple(option.type.choices)
        for command in cli.cli.commands["images"].commands.values()
        for option in command.params
        if option.name == "operation"
    ]

    assert [tuple(Operation)] * 4 == choices
