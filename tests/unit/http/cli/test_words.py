"""What the command line says has its Chinese, with the same placeholders, and is said with its arguments."""

import ast
import string
from pathlib import Path

import click
import yaml

import imagegen_http.cli
from imagegen_core.images import StorageState
from imagegen_core.requests import InputRole, Operation
from imagegen_core.task import TaskStatus
from imagegen_http.cli.words import chinese_texts, paragraphs
from tests.unit.http.cli.test_click_words import click_words

FOLDER = Path(imagegen_http.cli.__file__).parent
TREES = [ast.parse(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.py"))]
SAYING = {
    "say",
    "note",
    "complain",
    "in_words",
    "message",
    "CommandFailed",
    "WrongUsage",
    "ApiRefusal",
    "ImageUnreadable",
    "FileTaken",
    "_progress",
}
OWN_ARGUMENTS = {"code", "summary"}
"""Keywords of these functions that are no arguments of a sentence."""


def _placeholders(text):
    return {(name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name}


def _nodes(kind):
    return [node for tree in TREES for node in ast.walk(tree) if isinstance(node, kind)]


CONSTANTS = {
    target.id: node.value.value
    for tree in TREES
    for node in tree.body
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    for target in node.targets
    if isinstance(target, ast.Name)
}


def _texts(node):
    """Yield the texts that an argument may be, of which a variable's is not known."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from (*_texts(body), *_texts(other))
        case ast.Name(id=name) if isinstance(CONSTANTS.get(name), str):
            yield CONSTANTS[name]


SAID = [
    (text, {keyword.arg for keyword in call.keywords} - OWN_ARGUMENTS)
    for call in _nodes(ast.Call)
    if isinstance(call.func, ast.Name) and call.func.id in SAYING and call.args
    for text in _texts(call.args[0])
]
TITLES = {
    f"title: {call.args[0].value}"
    for call in _nodes(ast.Call)
    if isinstance(call.func, ast.Name) and call.func.id == "Column" and isinstance(call.args[0], ast.Constant)
}


def test_each_line_of_the_file_is_json_and_all_of_it_is_yaml():
    """And no text is there twice."""
    text = (FOLDER / "chinese.yaml").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith('"')]

    assert yaml.safe_load(text) == chinese_texts()
    assert len(lines) == len(chinese_texts())


def test_each_sentence_has_its_chinese():
    """And so has each title of a column."""
    assert set() == ({text for text, _ in SAID} | TITLES) - chinese_texts().keys()
    assert len(SAID) > 100


def test_each_sentence_is_said_with_its_arguments():
    """A placeholder without its argument would raise where something is wrong already."""
    assert [] == [text for text, names in SAID if names - {None} != {name for name, _ in _placeholders(text)}]


def test_both_languages_have_the_same_placeholders():
    """Those of click's words, which need not name all, are compared elsewhere."""
    of_click = {*click_words()}
    texts = {text: chinese for text, chinese in chinese_texts().items() if text not in of_click}

    assert {} == {text: zh for text, zh in texts.items() if _placeholders(text) != _placeholders(zh)}


def test_each_status_and_each_value_has_its_chinese():
    """On a terminal; a pipe has the API's words."""
    statuses = {f"status: {status}" for status in TaskStatus}
    values = {f"value: {value}" for value in (*Operation, *InputRole, *StorageState) if value != "none"}

    assert set() == (statuses | values) - chinese_texts().keys()


def test_no_chinese_is_left_over():
    """What nobody says any more needs none."""
    texts = {node.value for node in _nodes(ast.Constant) if isinstance(node.value, str)}
    documented = (ast.FunctionDef, ast.AsyncFunctionDef)
    helps = [ast.get_docstring(node) or "" for node in _nodes(documented)] + [*texts]
    sayings = {paragraph for text in helps for paragraph in paragraphs(text)} | texts | {*click_words()}
    sayings |= TITLES | {"title: day", "title: known", "title: estimated", "title: possible", "required"}

    left_over = chinese_texts().keys() - sayings
    assert set() == {text for text in left_over if not text.startswith(("status: ", "value: "))}


def test_the_version_is_told_in_chinese():
    """Its help is click's, which gettext would have."""
    option = next(param for param in imagegen_http.cli.cli.params if param.name == "version")

    assert isinstance(option, click.Option)
    assert option.help in chinese_texts()
