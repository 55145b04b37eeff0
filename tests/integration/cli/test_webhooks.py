"""``imagegen webhooks``: beside a server, from adding an endpoint to sending a delivery again."""

import json

import pytest

from tests.fakes.loopback import Answer
from tests.fakes.receiver import Receiver, event_of
from tests.integration.api.asking import data, finished, until
from tests.integration.cli.outcomes import failed, good


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def desk(receiver, start_server):
    """A server that may call the receiver, and its commands."""
    return start_server({"security": {"allow_webhooks": [receiver.host]}})


def test_the_way_of_an_endpoint(desk, receiver):
    """Added, tested, changed, listed, rotated and removed; the secret is printed twice, and alone."""
    url = f"{receiver.url}/hook"
    secret = good(desk.imagegen("webhooks", "add", url, "--event", "task.completed")).strip()
    tested = good(desk.imagegen("webhooks", "test", "1"))
    good(desk.imagegen("webhooks", "edit", "1", "--event", "task.failed", "--disable"))
    listed = good(desk.imagegen("webhooks", "list")).split("\t")
    record = json.loads(good(desk.imagegen("webhooks", "show", "1")))
    again = good(desk.imagegen("webhooks", "rotate", "1")).strip()
    good(desk.imagegen("webhooks", "remove", "1", "--yes"))
    empty = desk.imagegen("webhooks", "list")

    assert "webhook.test" == event_of(receiver.requests[0], secret)["type"]
    assert "204" in tested
    assert ["1", "off", "task.failed"] == listed[:3]
    assert (url, secret[-4:], None) == (record["url"], record["secret_last4"], record.get("secret"))
    assert ("whsec_", True) == (again[:6], again != secret)
    assert ("", True) == (empty.stdout, "no webhooks in" in empty.stderr)


def test_a_delivery_is_listed_and_sent_again(desk, receiver):
    """By its id."""
    good(desk.imagegen("webhooks", "add", receiver.url))
    with desk.client() as api:
        task = finished(api)
        path = "/api/v1/webhooks/1/deliveries?status=delivered"
        until(lambda: data(api.get(path))["total"], lambda total: total == 1)
    row = good(desk.imagegen("webhooks", "deliveries", "1", "--status", "delivered")).split("\t")
    none = good(desk.imagegen("webhooks", "deliveries", "1", "--status", "failed", "--json"))
    replayed = good(desk.imagegen("webhooks", "replay", row[0]))
    first, second = receiver.wait_for(2)

    assert ("1", "delivered", "task.completed", task["task_id"]) == (row[0], row[1], row[3], row[6])
    assert ([], True) == (json.loads(none), "delivery 1" in replayed)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_what_went_wrong_is_said_in_one_line(desk, receiver):
    """A receiver that fails, an address that is not allowed, no such endpoint, nothing to change."""
    good(desk.imagegen("webhooks", "add", receiver.url))
    receiver.answers += [Answer(status=503), Answer(fault="drop")]
    refused = failed(desk.imagegen("webhooks", "test", "1"))
    silent = failed(desk.imagegen("webhooks", "test", "1"))
    private = failed(desk.imagegen("webhooks", "add", "http://10.0.0.1/"))
    missing = failed(desk.imagegen("webhooks", "show", "7"))
    idle = desk.imagegen("webhooks", "edit", "1")

    assert "the receiver answered 503" in refused
    assert "127.0.0.1" in silent
    assert "security.allow_webhooks" in private
    assert "7" in missing
    assert (2, True) == (idle.returncode, "nothing to change" in idle.stderr)


def test_in_chinese(desk, receiver):
    """Words and titles."""
    good(desk.imagegen("webhooks", "add", receiver.url))
    help_text = good(desk.imagegen("--lang", "zh", "webhooks", "add", "--help"))
    removed = desk.imagegen("--lang", "zh", "webhooks", "remove", "1", stdin="n\n")

    assert "添加端点" in help_text
    assert "移除 Webhook 1 及其密钥？" in removed.stdout + removed.stderr
