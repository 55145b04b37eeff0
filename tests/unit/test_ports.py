"""Each port has two adapters at least, and a contract suite that all of them pass."""

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
MIN_METHODS = 3
"""A port of fewer looks like any class that happens to have a method of that name."""


@cache
def classes(path):
    return [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]


def bases(node):
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def suites():
    """Return module, name and fixtures of every suite."""
    return [
        (path.stem, node.name, fixtures(node))
        for path in sorted(SUITES.glob("*.py"))
        for node in classes(path)
        if node.name.endswith("Contract")
    ]


def fixtures(suite):
    """Return the names of a suite's fixtures, those in parentheses that need not be overridden."""
    return ", ".join(
        f"`{node.name}`" if "NotImplementedError" in ast.unparse(node) else f"(`{node.name}`)"
        for node in suite.body
        if isinstance(node, ast.FunctionDef) and "fixture" in "".join(map(ast.unparse, node.decorator_list))
    )


@cache
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
    return frozenset(names)


def ports():
    """Return the protocols that have a suite, by their names."""
    named = {name.removesuffix("Contract") for _, name, _ in suites()}
    return {
        node.name: node
        for path in PORTS.glob("*.py")
        for node in classes(path)
        if node.name in named and len(members(node)) >= MIN_METHODS
    }


def adapters(port):
    """Return the public classes that have all members of the protocol."""
    return {
        node.name
        for path in ADAPTERS.rglob("*.py")
        for node in classes(path)
        if members(port) <= members(node) and not node.name.startswith("_")
    }


def names_beside(name):
    """Return every name in the test modules that subclass the port's suite, or one that extends it."""
    suite = f"{name}Contract"
    alike = {suite} | {
        node.name for path in SUITES.rglob("*.py") for node in classes(path) if suite in bases(node)
    }
    return {
        name.id
        for path in TESTS.rglob("*.py")
        if "Contract)" in path.read_text("utf-8") and any(bases(node) & alike for node in classes(path))
        for name in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(name, ast.Name)
    }


@pytest.mark.parametrize("name", sorted(ports()))
def test_each_adapter_is_tested_by_the_suite(name):
    """There are two at least, in memory and for the service, and no promise that only one of them keeps."""
    names = adapters(ports()[name])

    assert len(names) >= 2
    assert set() == names - names_beside(name)


def test_the_page_lists_every_suite():
    """With the fixtures that a subclass overrides."""
    assert suites() == ROW.findall(PAGE.read_text("utf-8"))
