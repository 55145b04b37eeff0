"""Providers' messages for display, and how long they ask us to wait."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.providers.common.calls import (
    MAX_RETRY_AFTER_SECONDS,
    parse_retry_after,
    shorten,
    visible_text,
    with_model_warning,
)
from imagegen_adapters.providers.gemini.responses import ErrorResponse, retry_delay
from imagegen_core.errors import FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.models import Lifecycle, Model
from tests.fakes.samples import sample

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_message_holds_no_query_and_no_key():
    """A provider's message becomes one line, is shortened, and loses possible secrets."""
    text = shorten("a\nkey-1 https://x.example/p?key=key-1#f " + "b" * 900, ("key-1", None, ""))

    assert "a **** https://x.example/p bbb" == text[:30]
    assert (500, "…") == (len(text), text[-1])


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><h1>Bad  gateway</h1>\n<p>try\tlater</p></html>", "Bad gateway try later"),
        ("<STYLE media=x>p{}</style>a<script>if (1<2) b('</p>')</Script >c", "a c"),
        ("a<script>never ends", "a"),
        ("<scripted>a</scripted>", "a"),
        ("1 < 2 and 3 > 2", "1 2"),
        ("a <b", "a <b"),
        ("plain words", "plain words"),
        ("", ""),
    ],
)
def test_a_page_is_read_as_it_is_shown(page, words):
    """Without tags, scripts and styles."""
    assert words == visible_text(page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"u":"https://a/b?key=1","w":"x"} c', '{"u":"https://a/b c'),
        ('"https://a/b" what?', '"https://a/b" what?'),
        ("http://http://a#x y", "http://http://a y"),
        ("https://?a", "https://"),
    ],
)
def test_what_follows_the_query_of_an_address_goes_with_it(text, shown):
    """A key may contain a quote."""
    assert shown == shorten(text)


def test_a_refusal_of_a_retired_model_names_its_successor():
    """Whatever else the provider writes; a failure that is no refusal has another cause."""
    retired = Lifecycle(retires=date(2026, 5, 12), replaced_by="new")
    old, current = Model(id="old", lifecycle=retired), Model(id="old", lifecycle=Lifecycle())

    messages = [
        str(with_model_warning(model, code, upstream_text("not found")))
        for model, code in (
            (old, FailureCode.REJECTED),
            (old, FailureCode.AUTH_FAILED),
            (current, FailureCode.REJECTED),
            (None, FailureCode.REJECTED),
        )
    ]

    warning = "model old is at its end (2026-05-12); use new instead: "
    assert [f"{warning}not found", "not found", "not found", "not found"] == messages


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("Wed, 25 Nov 2026 08:01:00 GMT", 60.0),
        ("Wed, 25 Nov 2026 07:00:00 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("9" * 400, None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    """Anything else gives no wait."""
    assert seconds == parse_retry_after(value, NOW)


def test_a_date_without_a_present_asks_for_nothing():
    """Its distance is unknown."""
    assert parse_retry_after("Wed, 25 Nov 2026 08:01:00 GMT", None) is None


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 25 Nov 2026 08:01:00 +9999",
        "Wed, 25 Nov 2026 08:01:00 -99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Wed, 25 Nov 99999999999 08:01:00 GMT",
        "Wed, 99 Nov 2026 99:99:99 GMT",
        "25 Nov 2026 08:01:00 " + "(" * 30_000,
    ],
)
def test_a_date_that_is_none_asks_for_nothing(date):
    """An absurd zone, an impossible year."""
    assert parse_retry_after(date, NOW) is None


DATES = ("Wed,", "25", "Nov", "2026", "08:01:00", "GMT", "+9999", "-2460", "0", "9" * 12)
WORDS = st.sampled_from((*DATES, "-1", "nan", "inf", "1e9", "٣"))


@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=40))
def test_whatever_an_upstream_writes_there_nothing_is_raised(text):
    """The wait can be added to the current time."""
    seconds = parse_retry_after(text, NOW)

    assert seconds is None or NOW + timedelta(seconds=seconds) >= NOW


@given(
    st.text(max_size=20)
    | st.integers()
    | st.floats().map(lambda number: f"{number}s")
    | WORDS.map("{}s".format)
)
def test_so_it_is_with_googles_delay(delay):
    """RetryInfo beside the header."""
    detail = sample("gemini", "retry_info", delay=delay).body
    body = json.dumps({"error": {"details": [detail]}}).encode()
    answer = ErrorResponse(status=429, headers={"retry-after": "1"}, body=body)
    seconds = retry_delay(answer, now=datetime(2026, 11, 24, tzinfo=UTC))

    assert 1.0 <= seconds <= MAX_RETRY_AFTER_SECONDS
