"""The reference of errors is the table of errors."""

import re
from pathlib import Path

from imagegen_core.failures import FailureCode
from imagegen_http.error_table import FAILURES, TABLE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"


def _rows(heading):
    """Return the cells of the table below a heading, without its first two lines."""
    body = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_requests_are_the_rows_of_the_table():
    """Code, slug and English sentence, in the order of the codes."""
    told = [row[:3] for row in _rows("Requests")]

    expected = [[str(row.code), f"`{slug}`", row.en] for slug, row in TABLE.items()]
    assert sorted(expected) == told


def test_tasks_are_the_failure_codes():
    """Code, English sentence, and what it says about retrying and money."""
    yes = {True: "yes", False: "no"}

    expected = [
        [f"`{code}`", FAILURES[code][1], yes[code.retryable], yes[code.possible_charge]]
        for code in FailureCode
    ]
    assert expected == _rows("Tasks")
