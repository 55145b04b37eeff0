"""The live service refuses what servers read differently, and serves the rest as it is meant."""

import json
import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.hostile_requests import IN_TWO_PACKETS, REFUSED, REQUESTS, SECOND, STRICTER
from tests.integration.api.live_server import LiveServer

SECONDS = 30
"""No test waits for it: each connection is closed after the second request, or before."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A service without a token."""
    server = LiveServer(tmp_path_factory.mktemp("heads"), {"log": {"format": "json"}}).start()
    yield server
    server.end()


def ask(server, request, *, in_two_packets=False):
    """Send a request and a second one; return what the server sends until it closes the connection."""
    address, response = urlsplit(server.url), b""
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        try:
            if in_two_packets:
                head, end, request = request.partition(b"\r\n\r\n")
                connection.sendall(head + end)
                ask(server, b"")  # by its answer the server has read what came before
            connection.sendall(request + SECOND)
            while piece := connection.recv(65536):
                response += piece
        except ConnectionError:  # it need not read to the end what it refuses
            pass
    return response


def outcome(response, *, is_head=False):
    """Return the status of each answer, with the field that it complains about; the first may be to HEAD."""
    answers = []
    while response:
        head, _, response = response.partition(b"\r\n\r\n")
        match = re.search(rb"(?i)\r\ncontent-length: (\d+)", head) if answers or not is_head else None
        length = int(match[1]) if match else 0
        content, response = response[:length], response[length:]
        answers.append(head.split()[1].decode() + _field(content))
    return " ".join(answers)


def _field(content):
    errors = (json.loads(content).get("data") or {}).get("errors") if content.startswith(b"{") else None
    return f":{errors[0]['field']}" if errors else ""


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_refused_and_what_is_served(server, name):
    """No second request hides in a first, and none gets lost."""
    request, expected = REQUESTS[name]

    response = ask(server, request, in_two_packets=name in IN_TWO_PACKETS)

    assert expected == outcome(response, is_head=request.startswith(b"HEAD"))


def test_the_service_is_as_well_as_before(server):
    """None of this logged a defect; this test runs last."""
    levels = {json.loads(line)["level"] for line in server.log.splitlines()}

    assert not levels & {"error", "critical"}
    assert "200 404" == outcome(ask(server, REQUESTS["a plain request"][0]))


def test_what_was_served_before_and_is_refused_now_is_refused_as_no_http():
    """Those that this parser reads more strictly than the one before it."""
    last = {REQUESTS[name][1].split()[-1] for name in STRICTER}

    assert {REFUSED} == last
