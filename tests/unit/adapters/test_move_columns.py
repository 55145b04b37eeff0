"""Values of SQLite become what columns of PostgreSQL can hold, and valid ones stay as they are."""

import pytest

from imagegen_adapters.stores.transfer import Column

MOMENT = "timestamp with time zone"


@pytest.mark.parametrize(
    "text",
    [
        *(
            '{"seed": 1e300,"a":12345678901234567890}',
            '{"a":1,"a":2}',
            '"\\u0000"',
            '"\\ud83d"',
            '["\\udc00\\ud800"]',
        ),
        *("null", " [1, 2.50]\n", '"NaN"', '"猫"'),
    ],
)
def test_valid_json_stays_as_it_is(text):
    """White space, digits, order, repeated keys, and escapes that no text can hold."""
    assert text == Column("params", "json").from_sqlite(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":NaN,"b":[-Infinity]}', '{"a":null,"b":[null]}'),
        ("the words of an error", '"the words of an error"'),
        ('{"cut off', '"{\\"cut off"'),
        ('"a\x00b"', '"\\"a\\u0000b\\""'),
    ],
)
def test_json_that_postgresql_refuses_becomes_json(text, expected):
    """Numbers that JSON does not have, and what is no JSON at all."""
    assert expected == Column("failure", "json").from_sqlite(text)


def test_text_without_nul_stays_as_it_is():
    """NUL is replaced, as it is when text from outside is repaired."""
    column = Column("prompt", "text")

    assert ("猫\n", "a\ufffdb") == (column.from_sqlite("猫\n"), column.from_sqlite("a\x00b"))


@pytest.mark.parametrize("kind", ["text", "json", "boolean", "integer", MOMENT, "bytea"])
def test_null_stays_null(kind):
    """Whatever the type."""
    assert Column("x", kind).from_sqlite(None) is None


def test_times_of_both_databases_are_equal():
    """PostgreSQL writes them without what is zero."""
    column = Column("created_at", MOMENT)
    text = "2026-11-24T08:00:00.120Z"

    assert (text, text) == (column.from_sqlite(text), column.from_postgresql("2026-11-24 08:00:00.12+00"))


@pytest.mark.parametrize(("kind", "value"), [("integer", 2**31), (MOMENT, "once"), (MOMENT, "")])
def test_what_no_column_can_hold_is_refused(kind, value):
    """The move names the row."""
    with pytest.raises(ValueError, match=r"2147483648|Invalid isoformat"):
        Column("x", kind).from_sqlite(value)
