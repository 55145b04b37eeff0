"""What vendors say, as it is shown, and how long they ask us to wait."""

from datetime import UTC, datetime

import pytest

from imagegen_adapters.providers.retry_after import seconds_of
from imagegen_adapters.providers.wording import blaming, shorten
from imagegen_core.capabilities import Lifecycle, LifecycleStatus, Model

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def test_a_message_holds_no_query_and_no_key():
    """A vendor's sentence becomes one line, is cut, and loses what may be secret."""
    text = shorten("a\nkey-1 https://x.example/p?key=key-1#f " + "b" * 900, ("key-1", None, ""))

    assert "a **** https://x.example/p bbb" == text[:30]
    assert (500, "…") == (len(text), text[-1])


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
