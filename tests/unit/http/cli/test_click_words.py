"""Click speaks Chinese, too."""

import ast
import string
from pathlib import Path

import click
import pytest

from imagegen_core.messages import Language
from imagegen_http.cli import program
from imagegen_http.cli.words import chinese_texts, teach_click

FOR_DEVELOPERS = (
    "Could not determine name",
    "No options defined",
    "Arguments take exactly",
    "Name '",
    "Boolean ",
)
"""What only a wrong definition of a command can bring about."""

UNUSED = {
    "deprecated",
    "DeprecationWarning: The command {name!r} is deprecated.{extra_message}",
    "DeprecationWarning: The {param_type} {name!r} is deprecated.{extra_message}",
    "Value must be an iterable.",
    "Do you want to continue?",
    "Confirm the action without prompting.",
    "%(prog)s, version %(version)s",
    "Show the version and exit.",
    "Unknown color {colour!r}",
    "Choice({choices})",
    "Invalid start character for option ({option})",
    "{value!r} does not match the format {format}.",
    "{value!r} does not match the formats {formats}.",
    "{len_type} values are required, but {len_value} was given.",
    "{len_type} values are required, but {len_value} were given.",
    "{value!r} is not a valid UUID.",
}
"""What no command of ours makes click say."""

MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")


def click_words():
    """Return all that click hands to gettext."""
    for name in MODULES:
        source = Path(click.__file__).with_name(f"{name}.py").read_text("utf-8")
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("_", "ngettext"):
                yield from (
                    word.value
                    for word in call.args
                    if isinstance(word, ast.Constant) and not word.value.startswith(FOR_DEVELOPERS)
                )


def _placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.fixture
def chinese():
    """Click speaks Chinese in the test only."""
    teach_click(Language.ZH)
    yield
    teach_click(Language.EN)


def test_all_of_clicks_words_have_their_chinese():
    """Also those of a later version."""
    words = {*click_words()}

    assert (set(), set()) == (words - UNUSED - chinese_texts().keys(), UNUSED - words)


def test_placeholders_are_those_of_clicks_words():
    """Else a mistake of the user would raise."""
    chinese = chinese_texts()
    words = {*click_words()} - UNUSED
    extra = {text: _placeholders(chinese[text]) - _placeholders(text) for text in words}

    assert {} == {text: names for text, names in extra.items() if names}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("taks", "没有命令 'taks'。 是否想写 'tasks'？"),
        ("tasks list --stat x", "没有选项 '--stat'。 是否想写 '--status'？"),
        ("tasks list --limit x", "'--limit' 的值无效：'x' 不是有效的数字。"),
        ("tasks list --limit 0", "'--limit' 的值无效：0 不在范围 x>=1 之内。"),
        ("tasks list --status done", "'--status' 的值无效：'done' 不是 'pending'"),
        ("tasks list a b", "多余的参数（a b）"),
        ("tasks list --limit", "选项 '--limit' 需要一个值。"),
        ("tasks list --json=a", "选项 '--json' 不带值。"),
        ("tasks show", "缺少参数 'TASK_ID'。"),
        ("migrate", "缺少选项 '--to'。"),
        ("images show", "缺少参数 'IMAGE_ID'。"),
        ("images delete", "缺少参数 'IMAGE_IDS...'。"),
        ("backup .", "'FILE' 的值无效：'.' 是目录。"),
    ],
)
def test_wrong_arguments_are_explained_in_chinese(chinese, arguments, message, capsys):
    """In one language."""
    with pytest.raises(click.UsageError) as caught:
        program(Language.ZH).main(arguments.split(), prog_name="imagegen", standalone_mode=False)
    caught.value.show()
    shown = capsys.readouterr().err

    assert f"错误：{message}" in shown
    assert [] == [words for words in ("Usage", "Error", "Try") if words in shown]


@pytest.mark.parametrize(
    "arguments", ["images show abc", "tasks list --limit abc", "providers set x --timeout abc"]
)
def test_a_wrong_number_is_called_a_number(arguments):
    """Not an integer range, which is what click has checked it by."""
    teach_click(Language.EN)

    with pytest.raises(click.UsageError, match=r"'abc' is not a valid number\."):
        program(Language.EN).main(arguments.split(), prog_name="imagegen", standalone_mode=False)


@pytest.mark.parametrize(
    "arguments", ["--lang fr --help", "--color blue tasks --help", "tasks --lang fr --help"]
)
def test_a_value_that_is_none_is_refused_before_the_help(arguments):
    """So that nobody takes the help for the answer."""
    with pytest.raises(click.BadParameter, match="is not one of"):
        program(Language.EN).main(arguments.split(), prog_name="imagegen", standalone_mode=False)
