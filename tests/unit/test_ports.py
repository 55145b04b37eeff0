"""Each port has two technologies at least, and promises that all of them are tested by."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.conftest import PORTS as FIXTURES

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "src" / "imagegen_adapters"
PORTS = ROOT / "src" / "imagegen_core" / "ports"
CHAPTERS = ROOT / "tests" / "contracts"
PAGE = ROOT / "docs" / "how-to" / "test-an-adapter.md"
ROW = re.compile(r"^\| (`[^|]+`) \| `(\w+)` \| (`[^|]+`) \|$", re.MULTILINE)
MIN_METHODS = 3
"""A port of fewer looks like any class that happens to have a method of that name."""

NO_STORE = {
    "Provider": "contracts/provider.py",
    "BatchCalls": "integration/providers/test_batches.py",
}
"""What no store has, and where its promises are tested."""


@cache
def classes(path):
    return [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]


def bases(node):
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


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
    """Return the protocols of all ports, by their names."""
    return {
        node.name: node
        for path in PORTS.glob("*.py")
        for node in classes(path)
        if any("Protocol" in ast.unparse(base) for base in node.bases)
    }


def adapters(port):
    """Return the public classes that have or inherit all members of the protocol, without abstract ones."""
    classes_by_name = {node.name: node for path in ADAPTERS.rglob("*.py") for node in classes(path)}

    def inherited(node):
        return members(node).union(
            *(inherited(classes_by_name[base]) for base in bases(node) if base in classes_by_name)
        )

    return {
        name
        for name, node in classes_by_name.items()
        if members(port) <= inherited(node) and not name.startswith("_") and "ABC" not in bases(node)
    }


def rows():
    """Return attributes, port and chapters of each row of the page."""
    return [
        (re.findall(r"\w+", names), port, re.findall(r"[\w.]+", chapters))
        for names, port, chapters in ROW.findall(PAGE.read_text("utf-8"))
    ]


@pytest.mark.parametrize("name", sorted(ports().keys() - NO_STORE.keys()))
def test_each_adapter_is_among_the_stores(name):
    """There are two at least, or one over two databases, and no promise that only one of them keeps."""
    port = ports()[name]
    names = adapters(port) if len(members(port)) >= MIN_METHODS else set()
    tested = (CHAPTERS / "conftest.py").read_text("utf-8")

    assert len(names) != 1 or all(name.startswith("Sql") for name in names)
    assert [] == [
        adapter for adapter in names if f"{adapter}(" not in tested and f"{adapter}.for_" not in tested
    ]


def test_what_no_store_has_is_tested_somewhere():
    """And what is said to have none is a port."""
    assert [] == [path for path in NO_STORE.values() if not (ROOT / "tests" / path).is_file()]
    assert set() == NO_STORE.keys() - ports().keys()


def test_the_page_lists_every_port():
    """With the attributes that tests ask a store for, and the chapters that do."""
    listed = rows()

    assert sorted(ports().keys() - NO_STORE.keys()) == sorted(port for _, port, _ in listed)
    assert set(FIXTURES.values()) - {"rows", "config_box", "inspector"} == {
        name for names, _, _ in listed for name in names
    }
    for names, _, chapters in listed:
        texts = [(CHAPTERS / chapter).read_text("utf-8") for chapter in chapters]
        fixture = next(fixture for fixture, attribute in FIXTURES.items() if attribute == names[0])
        assert [True] * len(texts) == [re.search(rf"\b{fixture}\b", text) is not None for text in texts]
