"""Fails on names that the glossary replaced.

`./run check` runs it over src, tests and benchmarks; the glossary is the only list of words.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"

_SUPERLATIVES = re.compile(r"_*(?:MOST|LONGEST|LARGEST|FEWEST|SMALLEST|SHORTEST|SLOWEST)_")


class Vocabulary:
    """The words of the glossary that are no names, whole or as one of a name's words."""

    def __init__(self, glossary: str) -> None:
        rows = re.findall(r"^\|[^|]+\|[^|]+\| ([\w, ]+) \|$", glossary, re.MULTILINE)
        self.words = frozenset(word.strip() for row in rows for word in row.split(",")) - {"not"}
        section = glossary.partition("These are no names")[2].partition(".\n")[0]
        self.no_nouns = frozenset(re.findall(r"`(\w+)`", section))
        self._any_word = re.compile(rf"(?:^|_)({'|'.join(sorted(self.words))})s?(?:_|$)")

    def fault(self, name: str) -> str | None:
        """Return what is wrong with a name, or None."""
        if name.strip("_") in self.no_nouns:
            return "is no noun of what it holds"
        if _SUPERLATIVES.match(name):
            return "is a bound: MAX_ or MIN_"
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        word = self._any_word.search(snake)
        return f"says {word[1]!r}" if word else None


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of each function, class, parameter, variable and attribute."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name


def modules(folder: Path) -> Iterator[Path]:
    """Yield the modules below a folder, but those of packages that tests install, perhaps at this moment."""
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(directory, file) for file in files if file.endswith(".py"))


def faults(root: Path = ROOT) -> Iterator[str]:
    """Yield a line about each name that has to go."""
    fault_of = cache(Vocabulary(GLOSSARY.read_text("utf-8")).fault)
    for top in ("src", "tests", "benchmarks"):
        for path in sorted(modules(root / top)):
            place = path.relative_to(root)
            if fault := fault_of(path.stem):
                yield f"{place}: the module's name {fault}"
            for line, name in names(ast.parse(path.read_bytes())):
                if name not in PERSISTED and (fault := fault_of(name)):
                    yield f"{place}:{line}: {name} {fault}"
    for path in sorted((root / "src").glob("*/words.json")):
        for table, rows in json.loads(path.read_bytes()).items():
            for name in (table, *rows):
                if fault := fault_of(name):
                    yield f"{path.relative_to(root)}: {table}.{name} {fault}"


PERSISTED = frozenset({"vendor_sha256"})
"""Names that are in databases."""


if __name__ == "__main__":
    lines = list(faults())
    print(*lines, sep="\n")
    sys.exit(1 if lines else 0)
