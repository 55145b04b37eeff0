"""Each port has a directory of adapters, one of them in memory, and a contract suite that all pass."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "src" / "imagegen_adapters"
PORTS = ROOT / "src" / "imagegen_core" / "ports"
TESTS = ROOT / "tests"
SUITES = TESTS / "contracts"
PAGE = ROOT / "docs" / "how-to" / "test-an-adapter.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", re.MULTILINE)

NOUNS = sorted(path.stem for path in PORTS.glob("*.py") if path.stem != "__init__")

WITHOUT_MEMORY = {
    "image_inspector": "in_thread.py decodes in memory; what it is not is a process apart",
    "provider": "demo/ draws in memory, and its user interface calls it the demo",
}
"""Ports whose adapter for tests and for a program without a service is called otherwise."""


@cache
def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def plural(noun):
    """Return the name of the port's directory; a port that is many things already keeps its own."""
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    if noun.endswith(("x", "us")):
        return f"{noun}es"
    return noun if noun.endswith("s") else f"{noun}s"


def class_name(noun):
    return noun.title().replace("_", "")


def classes(path):
    return [node for node in tree_of(path).body if isinstance(node, ast.ClassDef)]


def members(node):
    """Return the names of a class's methods, properties and attributes."""
    names = set()
    for item in ast.walk(node):
        match item:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
                names.add(name)
    return names


def adapters(noun):
    """Return the classes of the port's directory that have all members of its protocol."""
    (port,) = (node for node in classes(PORTS / f"{noun}.py") if node.name == class_name(noun))
    return {
        node.name
        for path in (ADAPTERS / plural(noun)).rglob("*.py")
        for node in classes(path)
        if members(port) <= members(node)
    }


def bases(node):
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def suites_like(noun):
    """Return the port's suite and those that extend it."""
    suite = f"{class_name(noun)}Contract"
    return {suite} | {
        node.name for path in SUITES.glob("*.py") for node in classes(path) if suite in bases(node)
    }


@cache
def modules_with_suites():
    return [path for path in TESTS.rglob("test_*.py") if "Contract)" in path.read_text("utf-8")]


def names_beside(noun):
    """Return every name in the test modules that subclass the port's suite."""
    return {
        name.id
        for path in modules_with_suites()
        if any(bases(node) & suites_like(noun) for node in classes(path))
        for name in ast.walk(tree_of(path))
        if isinstance(name, ast.Name)
    }


def is_fixture(node):
    return isinstance(node, ast.FunctionDef) and any(
        "fixture" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def fixtures(suite):
    """Return the names of a suite's fixtures, those in parentheses that need not be overridden."""
    return ", ".join(
        f"`{function.name}`" if "NotImplementedError" in ast.unparse(function) else f"(`{function.name}`)"
        for function in suite.body
        if is_fixture(function)
    )


def suites():
    """Return module, name and fixtures of every suite."""
    return [
        (path.stem, node.name, fixtures(node))
        for path in sorted(SUITES.glob("*.py"))
        for node in classes(path)
        if node.name.endswith("Contract")
    ]


@pytest.mark.parametrize("noun", [noun for noun in NOUNS if noun not in WITHOUT_MEMORY])
def test_a_port_has_an_adapter_in_memory(noun):
    """In the directory of its plural; tests use it instead of a mock."""
    assert (ADAPTERS / plural(noun) / "memory.py").is_file()


def test_what_is_called_otherwise_has_no_memory_adapter():
    """The list of exceptions stays as short as it can be."""
    assert [] == [noun for noun in WITHOUT_MEMORY if (ADAPTERS / plural(noun) / "memory.py").exists()]


def test_a_port_has_a_suite_of_its_noun():
    """And there is no suite without a port."""
    assert [(noun, f"{class_name(noun)}Contract") for noun in NOUNS] == [suite[:2] for suite in suites()]


@pytest.mark.parametrize("noun", NOUNS)
def test_each_adapter_is_tested_by_the_suite(noun):
    """There are two at least, in memory and for the service, and no promise that only one of them keeps."""
    names = adapters(noun)

    assert len(names) >= 2
    assert set() == names - names_beside(noun)


def test_the_page_lists_every_suite():
    """With the fixtures that a subclass overrides."""
    assert suites() == ROW.findall(PAGE.read_text("utf-8"))
