"""The reference of errors is the table of errors, in both languages."""

import re
from pathlib import Path

import pytest

from imagegen_core.errors import FailureCode
from imagegen_core.messages import ProblemCode
from imagegen_http.errors import TABLE, RequestProblem

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = DOCS / "reference" / "errors.md", DOCS / "zh-CN" / "reference" / "errors.md"
LANGUAGES = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["English", "Chinese"])


def _rows(page, number):
    """Return the cells of the table below a heading, counted from 1, without its first two lines."""
    body = page.read_text("utf-8").split("\n## ")[number]
    lines = [line for line in body.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@LANGUAGES
def test_requests_are_the_rows_of_the_table(page):
    """Code, slug and sentence, in the order of the codes."""
    rows = [row[:3] for row in _rows(page, 1)]

    expected = [
        [str(row.code), f"`{slug}`", row.zh if page == CHINESE else row.en] for slug, row in TABLE.items()
    ]
    assert sorted(expected) == rows


@LANGUAGES
def test_tasks_are_the_failure_codes(page):
    """Code, sentence, and what it says about retrying and money."""
    language, written = ("zh", ("否", "是")) if page == CHINESE else ("en", ("no", "yes"))

    expected = [
        [f"`{code}`", getattr(code, language), written[code.retryable], written[code.possible_charge]]
        for code in FailureCode
    ]
    assert expected == _rows(page, 2)


@LANGUAGES
def test_fields_are_the_codes_of_the_core_and_of_http(page):
    """Code and sentence, with the names of its arguments."""
    expected = [
        [f"`{code}`", re.sub(r"\{(\w+)[^}]*\}", r"{\1}", code.zh if page == CHINESE else code.en)]
        for table in (ProblemCode, RequestProblem)
        for code in table
    ]
    assert expected == _rows(page, 3)
