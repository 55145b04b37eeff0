"""Which SQLite is taken of those that are there."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlite_utils.utils

from imagegen_adapters.databases.sqlite.engine import choose_engine, sqlite3

TESTS = Path(__file__).parents[1]
OPEN_FOR_EVER = re.compile(r"\bwith sqlite3\.connect\(")


def a_module(*version):
    return SimpleNamespace(sqlite_version_info=version)


BUNDLED, ELSEWHERE = a_module(3, 53, 4), a_module(3, 50, 4)
OLD, GOOD = a_module(3, 34, 1), a_module(3, 45, 0)


@pytest.mark.parametrize(
    ("pysqlite3", "own", "sqlean", "expected"),
    [
        (BUNDLED, OLD, None, BUNDLED),
        (BUNDLED, GOOD, ELSEWHERE, BUNDLED),
        (None, GOOD, None, GOOD),
        (None, GOOD, ELSEWHERE, GOOD),
        (None, OLD, ELSEWHERE, ELSEWHERE),
        (None, OLD, None, OLD),
    ],
)
def test_a_bundled_one_is_taken_where_there_is_one(monkeypatch, pysqlite3, own, sqlean, expected):
    """An older bundled one only in place of a still older one; None stands for what is not installed."""
    for name, module in {"pysqlite3": pysqlite3, "sqlite3": own, "sqlean": sqlean}.items():
        monkeypatch.setitem(sys.modules, name, module)

    assert expected is choose_engine()


def test_no_test_takes_the_end_of_a_transaction_for_that_of_a_connection():
    """``with connection`` leaves it open, which Python 3.13 warns of and a bundled SQLite does not."""
    left_open = [path for path in TESTS.rglob("*.py") if OPEN_FOR_EVER.search(path.read_text("utf-8"))]

    assert [] == left_open


@pytest.mark.skipif(sqlite3.__name__ == "sqlean", reason="sqlite-utils does not know it")
def test_sqlite_utils_has_taken_the_same():
    """Two libraries on one file would drop each other's locks."""
    assert sqlite3 is sqlite_utils.utils.sqlite3
