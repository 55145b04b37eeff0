"""Times on a terminal are those of the reader's clock."""

import time

import pytest

from imagegen_http.cli.output import local_time


@pytest.fixture
def zone(monkeypatch):
    """Return a function that sets the zone of this process."""

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("UTC0", "2026-11-27 03:52 +00:00"),
        ("CST-8", "2026-11-27 11:52 +08:00"),
        ("NST3:30", "2026-11-27 00:22 -03:30"),
    ],
)
def test_a_time_has_its_zone(zone, name, shown):
    """To the minute."""
    zone(name)

    assert shown == local_time("2026-11-27T03:52:59.123Z")


def test_no_time_is_nothing():
    """A task that has not begun has none."""
    assert "" == local_time("")
