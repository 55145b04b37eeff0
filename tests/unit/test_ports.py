"""Every port has a contract suite, and the page about them says what a subclass gives."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "src" / "imagegen_adapters" / "testing"
PAGE = ROOT / "docs" / "how-to" / "test-an-adapter.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", re.MULTILINE)


def _is_fixture(function):
    return isinstance(function, ast.FunctionDef) and any(
        "fixture" in ast.unparse(decorator) for decorator in function.decorator_list
    )


def _fixtures(suite):
    """Return the names of a suite's fixtures, those in parentheses that need not be overridden."""
    return ", ".join(
        f"`{function.name}`" if "NotImplementedError" in ast.unparse(function) else f"(`{function.name}`)"
        for function in suite.body
        if _is_fixture(function)
    )


def _suites():
    """Return module, name and fixtures of every suite."""
    return [
        (path.stem, node.name, _fixtures(node))
        for path in sorted(SUITES.glob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Contract")
    ]


def test_the_page_lists_every_suite():
    """With the fixtures that a subclass overrides."""
    assert _suites() == ROW.findall(PAGE.read_text("utf-8"))
