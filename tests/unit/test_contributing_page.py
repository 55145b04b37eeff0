"""The table of CONTRIBUTING leads to files that are there, for each change that people make."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
)
MAX_ROWS = 14
ROWS = {change: f"{main} {besides}" for change, main, besides in TABLE[1:]}


@pytest.mark.parametrize("change", ROWS)
def test_every_place_of_a_row_is_there(change):
    """As a path in backticks, or as the target of a link."""
    row = ROWS[change]
    paths = re.findall(r"`((?:src|tests|docs|deploy)/[^` ]*)`", row) + re.findall(r"\]\(([^)]+)\)", row)

    assert paths
    assert [] == [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize(
    "change",
    [
        "add a provider that speaks JSON",
        "add a coded provider",
        "add a store for another technology",
        "show a field of a task",
        "let callers set a field",
        "add a route",
        "add a refusal, or change its words",
        "add a setting, or change a limit",
        "change what is retried, or when",
        "change a table",
        "add a command",
    ],
)
def test_the_changes_that_people_make_have_a_row(change):
    """A newcomer finds each of them."""
    assert change in ROWS


def test_the_table_fits_into_a_head():
    """A row for each file would be a second tree."""
    assert len(ROWS) <= MAX_ROWS
