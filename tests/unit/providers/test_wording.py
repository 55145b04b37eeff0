"""What vendors say, as it is shown, and how long they ask us to wait."""

from datetime import UTC, datetime

import pytest

from imagegen_adapters.providers.retry_after import seconds_of
from imagegen_adapters.providers.wording import blaming, page_text, shorten
from imagegen_core.capabilities import Lifecycle, LifecycleStatus, Model

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_message_holds_no_query_and_no_key():
    """A vendor's sentence becomes one line, is cut, and loses what may be secret."""
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
    assert words == page_text(page)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('{"u":"https://a/b?key=1","w":"x"} c', '{"u":"https://a/b c'),
        ('"https://a/b" what?', '"https://a/b" what?'),
        ("http://http://a#x y", "http://http://a y"),
        ("https://?a", "https://"),
    ],
)
def test_what_follows_the_query_of_an_address_goes_with_it(said, shown):
    """A quote may be part of a key."""
    assert shown == shorten(said)


def test_a_refusal_of_a_retired_model_names_its_successor():
    """Whatever else the vendor says."""
    retired = Lifecycle(status=LifecycleStatus.RETIRED, date="2026-05-12", replacement="new")

    said = [
        blaming(Model(id="old", lifecycle=lifecycle), "not found") for lifecycle in (retired, Lifecycle())
    ]

    assert ["model old is retired (2026-05-12); use new instead: not found", "not found"] == said


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
    """Anything else asks for nothing."""
    assert seconds == seconds_of(value, NOW)


def test_a_date_without_a_present_asks_for_nothing():
    """It cannot be told how far away it is."""
    assert seconds_of("Wed, 25 Nov 2026 08:01:00 GMT", None) is None
