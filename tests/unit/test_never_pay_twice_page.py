"""The page about money says of each status what the providers' tables say."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagegen_adapters.providers.a1111 import call_error as a1111_error
from imagegen_adapters.providers.comfyui import refusal
from imagegen_adapters.providers.common.json_files import Answer
from imagegen_adapters.providers.document.expressions import UpstreamResponse
from imagegen_adapters.providers.document.operations import ErrorSpec
from imagegen_adapters.providers.document.responses import classify
from imagegen_adapters.providers.gemini.responses import ErrorResponse, call_error
from imagegen_adapters.providers.stability import load_stability
from imagegen_core.attempt import may_ask_next
from imagegen_core.errors import CallError, FailureCode

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [folder / "explanation" / "never-pay-twice.md" for folder in (DOCS, DOCS / "zh-CN")]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def _gemini(status):
    body = b'{"error": {"status": "UNAVAILABLE"}}' if status == 503 else b'{"error": {}}'
    return call_error(ErrorResponse(status=status, body=body), model=None, now=NOW)


def _http(status, errors):
    answer = UpstreamResponse(status=status, headers={}, text="no")
    return classify(answer, errors, NOW).submit_error()


UPSTREAMS = (
    _gemini,
    lambda status: a1111_error(Answer(status=status, body=b"no"), path="/"),
    lambda status: _http(status, load_stability().errors),
    lambda status: refusal(Answer(status=status, body=b"no")),
    lambda status: _http(status, ErrorSpec()),
)


def _rows(page):
    """Yield each status of the table's first column with the five cells that follow."""
    for line in page.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and re.fullmatch(r"[\d*,、 x]+((other|其他) 5xx)?", cells[0]):
            for number in re.findall(r"\d(?:\d\d|xx)", cells[0]):
                yield int(number.replace("xx", "02")), cells[1:]


@pytest.mark.parametrize(("status", "cells"), [row for page in PAGES for row in _rows(page)])
def test_the_page_says_what_the_tables_say(status, cells):
    """The code of each provider's error, and bold where the call is sent again."""
    errors = [upstream(status) for upstream in UPSTREAMS]

    expected = [(str(error.failure.code), error.not_started) for error in errors]
    assert expected == [(re.search(r"`(\w+)`", cell)[1], cell.startswith("**")) for cell in cells]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_the_statuses_that_matter(page):
    """The table is found at all."""
    assert {400, 401, 402, 408, 429, 500, 503, 504} <= {status for status, _ in _rows(page)}


@pytest.mark.parametrize(
    ("page", "title"), list(zip(PAGES, ("Another provider", "换一个服务商"), strict=True))
)
def test_the_page_says_after_which_failures_another_provider_is_asked(page, title):
    """Of each code, one way or the other; of a rejection, both."""
    _, _, section = page.read_text("utf-8").partition(f"## {title}\n")
    rows = re.findall(
        r"^\| (`.*) \| (\*\*yes\*\*|no|\*\*是\*\*|否)", section.partition("\n## ")[0], re.MULTILINE
    )
    listed = {(code, next_.startswith("**")) for cell, next_ in rows for code in re.findall(r"`(\w+)`", cell)}

    actual = {(str(code), may_ask_next(CallError(code, "no"))) for code in FailureCode}
    gone = [
        CallError(FailureCode.REJECTED, "no", upstream_status=404),
        CallError(FailureCode.REJECTED, "no", is_gone=True),
    ]
    assert listed == actual | {("rejected", may_ask_next(error)) for error in gone}
