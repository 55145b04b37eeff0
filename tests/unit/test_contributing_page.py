"""The table of CONTRIBUTING leads to files that are there, for each change that people make."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
)
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
        "show a new field of a task",
        "let a caller set a field of a task",
        "add an error of the API",
        "add an operation",
        "change a bound or a default",
        "add an archive",
        "add a repository, a queue",
        "change what is retried, or when",
        "add a command",
        "add a page of the console",
    ],
)
def test_the_changes_that_people_make_have_a_row(change):
    """A newcomer finds each of them."""
    assert change in ROWS
