"""``imagegen images days``: beside a server, without one, and as JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.cli.outcomes import failed, good

SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture
def filled(other):
    """A data directory with two images of today."""
    for prompt in ("一座灯塔", "一只猫"):
        good(other.imagegen("generate", prompt, *SMALL))
    return other


def test_a_day_is_a_line(filled):
    """Without a server, and the same beside one."""
    images = json.loads(good(filled.imagegen("images", "list", "--json")))
    days = [datetime.fromisoformat(image["created_at"]).date() for image in images]
    lines = [f"{day}\t{days.count(day)}\n" for day in sorted(set(days), reverse=True)]
    (cat,) = [day for day, image in zip(days, images, strict=True) if image["prompt"] == "一只猫"]

    assert "".join(lines) == good(filled.imagegen("images", "days"))
    filled.start()
    assert f"{cat}\t1\n" == good(filled.imagegen("images", "days", "--search", "猫", "--provider", "demo"))


def test_days_are_json_for_scripts(filled):
    """As the API has them; where there is none, an empty list, and a word for people."""
    days = json.loads(good(filled.imagegen("images", "days", "--tz", "+08:00", "--json")))
    nothing = filled.imagegen("images", "days", "--to", "2020-01-01")

    assert 2 == sum(day["count"] for day in days)  # two days, if the images were made around midnight
    assert (0, "") == (nothing.returncode, nothing.stdout)
    assert nothing.stderr.startswith("no such images in ")
    assert [] == json.loads(good(filled.imagegen("images", "days", "--to", "2020-01-01", "--json")))


def test_dates_are_those_of_the_zone(filled):
    """A list takes them as the counts do, with UTC when the zone is left out."""
    now = datetime.now(UTC)
    if now.hour < 11:
        dates = ("--to", (now - timedelta(hours=12)).date(), "--tz", "-12:00")
    else:
        dates = ("--from", (now + timedelta(hours=14)).date(), "--tz", "+14:00")

    assert "" == filled.imagegen("images", "list", *dates[:2]).stdout
    assert 2 == len(good(filled.imagegen("images", "list", *dates)).splitlines())
    assert 1 == len(good(filled.imagegen("images", "search", "猫", *dates)).splitlines())


def test_a_mistake_is_one_line(filled):
    """The API's own."""
    assert "time zone" in failed(filled.imagegen("images", "days", "--tz", "Mars"))
