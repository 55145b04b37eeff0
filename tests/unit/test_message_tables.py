"""Every code has its sentence in both languages, and what is raised is a code, never a sentence."""

import ast
import importlib
import pkgutil
import string
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import imagegen_adapters
import imagegen_core
import imagegen_http
from imagegen_adapters.stores.rows import MESSAGE_TABLES
from imagegen_core.messages import Language, MessageCode

SRC = Path(__file__).parents[2] / "src"
PACKAGES = (imagegen_core, imagegen_adapters, imagegen_http)
LISTED = ("or", ";")
CARRIERS = frozenset(
    {
        "Problem",
        "ValidationFailed",
        "ProviderNotConfigured",
        "InvalidImage",
        "ApiKeyRequired",
        "UpstreamNotAllowed",
        "Unavailable",
        "KeysLocked",
        "WrongContext",
        "ImageRejected",
        "InspectorUnavailable",
        "RequestRefused",
        "Malformed",
        "CallError",
        "Failure",
        "Probe",
        "ProviderResult",
        "bad_response",
        "SettingsError",
        "AddressUnusable",
        "BackupError",
        "MoveError",
        "MasterKeyRefused",
        "DataDirectoryUnusable",
        "DatabaseUnusable",
        "StorageError",
        "StorageFull",
        "StorageUnreachable",
        "StorageBroken",
    }
)
"""What is made of a message."""


def _tables():
    """Return the tables of all modules that can be imported, by name."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", ".child")):
                importlib.import_module(module.name)
    return {table.__name__: table for table in MessageCode.__subclasses__()}


TABLES = _tables()
CODES = [code for table in TABLES.values() for code in table]


def _placeholders(template):
    return {(name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name}


@cache
def _all_nodes():
    """Return the nodes that are looked at, by kind, each with its place; the sources are read once."""
    nodes = {kind: [] for kind in (ast.Attribute, ast.Call, ast.Constant, ast.Subscript)}
    for path in sorted(SRC.rglob("*.py")):
        file = path.relative_to(SRC)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if type(node) in nodes:
                nodes[type(node)].append((f"{file}:{node.lineno}", node))
    return nodes


def _nodes(kind):
    return _all_nodes()[kind]


@cache
def _uses():
    """Return the code that each ``Table.NAME`` in the sources means, with its place."""
    return [
        (place, f"{node.value.id}.{node.attr}")
        for place, node in _nodes(ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id in TABLES and node.attr.isupper()
    ]


@pytest.mark.parametrize("code", CODES, ids=[f"{type(code).__name__}.{code.name}" for code in CODES])
def test_every_code_has_its_sentence_in_both_languages(code):
    """With the same placeholders, all of which are filled in."""
    args = {
        name: ("a", "b") if spec in LISTED else 1.5 if spec else "x" for name, spec in _placeholders(code.en)
    }

    texts = [code(**args).text(language) for language in Language]

    assert _placeholders(code.en) == _placeholders(code.zh)
    assert all(texts)
    assert not any(f"{{{name}" in text for name in args for text in texts)


def test_a_code_is_in_one_table_only():
    """A stored code is looked for in all of them; and no two rows of a table are the same one."""
    names = [name for table in TABLES.values() for name in table.__members__]

    assert sorted(set(names)) == sorted(names)
    assert len(CODES) == len(names)


def test_a_stored_message_finds_the_tables_of_adapters():
    """Of all that adapters have, also where nothing else has loaded them."""
    modules = {table.__module__ for table in TABLES.values()}

    assert set(MESSAGE_TABLES) == {name for name in modules if name.startswith("imagegen_adapters")}


def test_a_stored_message_is_read_without_the_packages_of_a_cluster():
    """The first code that is not loaded loads all tables."""
    code = """
import sys
sys.modules["asyncpg"] = None
from imagegen_adapters.stores.rows import message_from_json
print(message_from_json({"text": "", "code": "oss_failed", "args": {"reason": "gone"}}))
"""
    read = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ("OSS: gone\n", "") == (read.stdout, read.stderr)


def test_every_code_in_use_has_a_row():
    """The tables take their rows from data, so that mypy takes any name for one."""
    rows = {f"{type(code).__name__}.{code.name}" for code in CODES}

    assert {} == {place: use for place, use in _uses() if use not in rows}


def test_every_row_is_in_use():
    """A sentence that nobody says need not be translated; of some tables the code's name is computed."""
    used = {use for _, use in _uses()}
    computed = {ast.unparse(node.value) for _, node in _nodes(ast.Subscript)} & TABLES.keys()
    names = {node.attr for _, node in _nodes(ast.Attribute)}
    names |= {str(node.value).upper() for _, node in _nodes(ast.Constant)}

    for code in CODES:
        table = type(code).__name__
        assert f"{table}.{code.name}" in used or (table in computed and code.name in names)


def test_every_code_is_called_with_its_arguments():
    """A placeholder without its argument would raise where something is wrong already."""
    wrong = {}
    for place, call in _nodes(ast.Call):
        match call.func:
            case ast.Attribute(value=ast.Name(id=table), attr=name) if table in TABLES and name.isupper():
                arguments = {keyword.arg for keyword in call.keywords}
                if arguments != TABLES[table][name].placeholders or call.args:
                    wrong[place] = f"{table}.{name}"

    assert {} == wrong


def _is_sentence(node):
    """Return whether a literal holds words; the path of a field and the name of a setting do not."""
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip()
        for part in ast.walk(node)
    )


def test_nothing_is_raised_with_a_sentence_of_its_own():
    """It would be in one language."""
    sentences = []
    for place, call in _nodes(ast.Call):
        name = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        if isinstance(name, ast.Name) and name.id in CARRIERS:
            literals = [*call.args, *(keyword.value for keyword in call.keywords)]
            sentences += [
                place
                for literal in literals
                if isinstance(literal, ast.Constant | ast.JoinedStr | ast.BinOp) and _is_sentence(literal)
            ]

    assert [] == sentences
