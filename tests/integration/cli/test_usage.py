"""``imagegen usage``: beside a server, without one, and as JSON."""

import json

import pytest

from tests.integration.cli.outcomes import failed, good

SMALL = ("--param", "width=64", "--param", "height=64")
PRICE = {"currency": "CNY", "rates": [{"amount": 0.1}]}
CONFIG = {"providers": {"priced": {"kind": "demo", "extra_config": {"prices": {"demo": PRICE}}}}}


@pytest.fixture
def priced(other):
    """A data directory with a task of the demo, and one of a provider whose images cost something."""
    other.configure(CONFIG)
    good(other.imagegen("generate", "一座灯塔", *SMALL))
    good(other.imagegen("generate", "一座灯塔", "-p", "priced", "-n", "2", *SMALL))
    return other


def test_usage_is_a_line_for_each_group(priced):
    """Without a server; amounts are by currency, and nothing is a dash."""
    lines = good(priced.imagegen("usage", "--group-by", "provider")).splitlines()

    assert ["demo\t1\t1\t-\t-\t-\t0", "priced\t1\t2\t-\t0.20 CNY\t-\t0"] == lines


def test_a_server_beside_it_is_asked(priced):
    """The command opens no database of its own then."""
    alone = good(priced.imagegen("usage"))
    priced.start()

    assert alone == good(priced.imagegen("usage"))


def test_usage_is_json_for_scripts(priced):
    """As the API has it; a task says what it cost in its own JSON."""
    groups = json.loads(good(priced.imagegen("usage", "--group-by", "model", "--tz", "+08:00", "--json")))
    (task,) = json.loads(good(priced.imagegen("tasks", "list", "--provider", "priced", "--json")))

    assert {"CNY": "0.20"} == next(group["estimated"] for group in groups if group["key"] == "demo")
    assert "0.20" == task["cost"]["amount"]


def test_a_time_without_tasks_says_so(priced):
    """On stderr; JSON is an empty list."""
    result = priced.imagegen("usage", "--to", "2020-01-01")

    assert (0, "") == (result.returncode, result.stdout)
    assert "no task ended in that time" in result.stderr
    assert [] == json.loads(good(priced.imagegen("usage", "--to", "2020-01-01", "--json")))


def test_a_mistake_is_one_line(priced):
    """The API's own."""
    assert "time zone" in failed(priced.imagegen("usage", "--tz", "Mars"))
