"""Statements are written once, and each database gets them in its own words."""

from contextlib import closing

import pytest

from imagegen_adapters.stores.sql import Steps, execute, for_postgresql, for_sqlite, json_rows, runner
from imagegen_adapters.stores.sqlite.engine import sqlite3


@pytest.fixture
def connection():
    """Return an empty database in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "in_words_of_sqlite"),
    [
        ("SELECT :a::bigint", "SELECT :a"),
        ("WHERE id = ANY (:ids::bigint[])", "WHERE id IN (SELECT value FROM json_each(:ids))"),
        ("WHERE id = ANY(:ids)", "WHERE id IN (SELECT value FROM json_each(:ids))"),
        ("WHERE id <> ALL (:ids::text[])", "WHERE id NOT IN (SELECT value FROM json_each(:ids))"),
        ("SELECT id FROM t LIMIT 1 FOR UPDATE SKIP LOCKED", "SELECT id FROM t LIMIT 1"),
        ("SELECT id FROM t LIMIT :limit OFFSET :a", "SELECT id FROM t LIMIT :limit + 0 OFFSET :a"),
        (
            "SELECT json_agg(value ->> 1) FROM t",
            "SELECT json_group_array(json_extract(value, '$[1]')) FROM t",
        ),
    ],
)
def test_statements_for_sqlite(statement, in_words_of_sqlite):
    """It has no casts, no arrays, no row locks, and no limit at which the planner looks."""
    assert in_words_of_sqlite == for_sqlite(statement)


def test_statements_for_postgresql():
    """It numbers parameters, each once, and takes no hints."""
    statement = "SELECT :b::text FROM t INDEXED BY t_by_b WHERE a = :a AND b = :b"

    assert ("SELECT $1::text FROM t WHERE a = $2 AND b = $1", ("b", "a")) == for_postgresql(statement)


def test_steps_return_what_their_generator_returns(connection):
    """Each statement's rows are sent back to the steps."""

    def steps() -> Steps[int]:
        yield "CREATE TABLE t (number INTEGER)", {}
        yield "INSERT INTO t SELECT value FROM json_each(:numbers)", {"numbers": [1, 2]}
        ((total,),) = yield "SELECT sum(number) FROM t", {}
        return int(total)

    assert runner(steps())(connection) == 3


def test_lists_are_matched(connection):
    """A list is one parameter."""
    rows = execute(connection, "SELECT 1 WHERE 2 = ANY (:ids::bigint[])", {"ids": [1, 2]})

    assert rows == [(1,)]


def test_rows_are_passed_as_one_value(connection):
    """In their order, and numbers stay numbers."""
    statement = "SELECT (value ->> 0)::bigint, value ->> 1 FROM json_each(:rows::json)"
    rows = execute(connection, statement, {"rows": json_rows([(2, "b"), (1, "a")])})

    assert rows == [(2, "b"), (1, "a")]
