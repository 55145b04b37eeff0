"""Which of the available SQLite libraries is used."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlite_utils.utils

from imagegen_adapters.stores.sqlite.engine import choose_engine, sqlite3
from tests.vocabulary import modules

TESTS = Path(__file__).parents[1]
UNCLOSED = re.compile(r"\bwith sqlite3\.connect\(")


def a_module(*version):
    return SimpleNamespace(sqlite_version_info=version)


PACKAGED, ELSEWHERE = a_module(3, 53, 4), a_module(3, 50, 4)
OLD, GOOD = a_module(3, 34, 1), a_module(3, 45, 0)


@pytest.mark.parametrize(
    ("pysqlite3", "own", "sqlean", "expected"),
    [
        (PACKAGED, OLD, None, PACKAGED),
        (PACKAGED, GOOD, ELSEWHERE, PACKAGED),
        (None, GOOD, None, GOOD),
        (None, GOOD, ELSEWHERE, GOOD),
        (None, OLD, ELSEWHERE, ELSEWHERE),
        (None, OLD, None, OLD),
    ],
)
def test_the_packaged_sqlite_is_preferred(monkeypatch, pysqlite3, own, sqlean, expected):
    """An older packaged one only replaces a still older one; None means not installed."""
    for name, module in {"pysqlite3": pysqlite3, "sqlite3": own, "sqlean": sqlean}.items():
        monkeypatch.setitem(sys.modules, name, module)

    assert expected is choose_engine()


def test_no_test_leaves_a_connection_open():
    """``with connection`` does not close it; Python 3.13 warns about that, the packaged SQLite does not."""
    offenders = [path for path in modules(TESTS) if UNCLOSED.search(path.read_text("utf-8"))]

    assert [] == offenders


@pytest.mark.skipif(sqlite3.__name__ == "sqlean", reason="sqlite-utils does not know it")
def test_sqlite_utils_uses_the_same_library():
    """Two libraries on one file would release each other's locks."""
    assert sqlite3 is sqlite_utils.utils.sqlite3
