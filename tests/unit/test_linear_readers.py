"""Reading text from outside takes time in step with its length, whatever it holds.

No clock is compared with a limit: each reader reads a text and one that is eight times as long, in the
processor time of one thread. In step means eight times as much; to look through the rest again at each
beginning would take sixty-four times as much.
"""

import contextlib
import time
from datetime import UTC, datetime

import pytest

from imagegen_adapters.providers.common.calls import shorten, visible_text
from imagegen_adapters.providers.document.expressions import UpstreamResponse
from imagegen_adapters.providers.document.operations import ErrorSpec
from imagegen_adapters.providers.document.responses import classify
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.errors import ImagegenError
from imagegen_core.secrets import Redactor, on_one_line

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SHORT = 8 * 1024
TIMES = 8
MOST = 4 * TIMES
FLOOR_SECONDS = 0.0002
"""Less than this is not measured well enough to be compared."""

PAGES = ("<", "<a", "<script>", "<style ", "</script", '"', "\\", " ", "a")
ADDRESSES = ("http://", "https://a", "http://a'", "http://a?", "://", "://a@")
KEYS = (
    "key=",
    "key =",
    "token='",
    "token=\"'",
    "cookie:",
    "authorization ",
    "x-a-key ",
    "Bearer ",
    "Bearer a",
)
TOKENS = ("eyJaaaaaaaa-", "eyJaaaaaaaa.", "eyJ", "sk-")
TEMPLATES = ("${", "${a", "${prompt}", "{", "$", "a")
READERS = {
    "an error page": (visible_text, PAGES),
    "an error answer": (
        lambda x: classify(UpstreamResponse(status=500, headers={}, text=x), ErrorSpec(), NOW),
        PAGES,
    ),
    "a provider's words": (lambda x: shorten(x, ("sk-a-secret-of-ours",)), (*ADDRESSES, "a", " ")),
    "words for the log": (lambda x: on_one_line(Redactor().redact(x)), (*ADDRESSES, *KEYS, *TOKENS)),
    "a template": (Template.parse, TEMPLATES),
}


def seconds(read, text):
    """Return the least processor time of three readings; a refusal is one, too."""
    durations = []
    for _ in range(3):
        start = time.thread_time()
        with contextlib.suppress(ImagegenError, ValueError):
            read(text)
        durations.append(time.thread_time() - start)
    return min(durations)


@pytest.mark.parametrize("name", READERS)
def test_reading_is_linear(name):
    """For every piece that an enemy could repeat."""
    read, pieces = READERS[name]
    ratios = {}
    for piece in pieces:
        before = max(seconds(read, (piece * SHORT)[:SHORT]), FLOOR_SECONDS)
        ratios[piece] = seconds(read, (piece * SHORT * TIMES)[: SHORT * TIMES]) / before

    assert {} == {piece: round(ratio) for piece, ratio in ratios.items() if ratio > MOST}
