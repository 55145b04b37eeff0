"""Whatever breaks, each client with its default settings pays for an image once."""

import asyncio
import time
from collections import Counter

import pytest

from tests.clients.conftest import CLIENTS, FAILURES
from tests.clients.cutting_proxy import CuttingProxy
from tests.fakes.http_server import Break
from tests.fakes.in_thread import in_thread

pytestmark = pytest.mark.timeout(900)

EACH_ONCE = dict.fromkeys(CLIENTS, 1)

GATEWAYS = {
    # QuantumNous/new-api, setting/operation_setting/status_code_ranges.go at 462f71e
    "new_api": lambda status: status // 100 != 2 and status not in (400, 408, 504, 524),
    # songquanpeng/one-api, controller/relay.go at 8df4a26 (v0.6.11-alpha.22)
    "one_api": lambda status: status // 100 != 2 and status != 400,
    # Portkey-AI/gateway, src/globals.ts at 049e717
    "portkey": lambda status: status in (429, 500, 502, 503, 504),
}
"""Whether a gateway sends a request again after such a status, by its own default rules."""

REPEATS = 3
"""How often they do where their operator says so; their default is 0."""


def everywhere(url):
    return dict.fromkeys(CLIENTS, url)


def until(look):
    """Wait for as long as the test may."""
    while not look():
        time.sleep(0.05)


def test_each_client_gets_its_image(service, upstream, ask_all):
    """If nothing breaks."""
    assert EACH_ONCE == ask_all(everywhere(service.url), "quick/m")
    assert EACH_ONCE == upstream.fake.ledger


def test_an_upstream_that_fails_after_it_charged(service, upstream, ask_all):
    """Each way to fail is one payment for each client and each gateway: a 400, which nobody sends again."""
    for mood, how in (
        ("broken", Break.SERVER_ERROR),
        ("reset", Break.RESET_AFTER_READ),
        ("silent", Break.SILENCE),
        ("page", Break.HTML),
    ):
        upstream.break_next(how, path=f"/{mood}/", times=100)
    answers = {}

    def relay():
        for name, repeats in GATEWAYS.items():
            answers[name] = {mood: relayed(service, name, repeats, f"{mood}/m") for mood in FAILURES}

    assert dict.fromkeys(CLIENTS, 0) == ask_all(
        everywhere(service.url), *(f"{mood}/m" for mood in FAILURES), during=relay
    )
    paid = Counter((r.path.split("/")[1], r.json["prompt"]) for r in upstream.requests if r.method == "POST")
    assert {(mood, caller): 1 for mood in FAILURES for caller in (*CLIENTS, *GATEWAYS)} == paid
    expected = {mood: (400, "upstream_error", code, "false") for mood, code in FAILURES.items()}
    assert dict.fromkeys(GATEWAYS, expected) == answers


def relayed(service, name, repeats, model):
    """Ask as a gateway does that sends a request again; return the last error."""
    with service.client() as api:
        for _ in range(1 + REPEATS):
            answer = api.post("/v1/images/generations", json={"model": model, "prompt": name})
            if not repeats(answer.status_code):
                break
    error = answer.json()["error"]
    return answer.status_code, error["type"], error["code"], answer.headers["x-should-retry"]


def test_a_connection_that_breaks_before_the_answer(service, upstream, ask_all):
    """Each client retries and gets the image of its first request."""
    upstream.fake.seconds = 3
    first = FirstOfEach(upstream.fake.ledger)
    with in_thread(CuttingProxy("127.0.0.1", service.port, first)) as proxy:
        assert EACH_ONCE == ask_all(everywhere(proxy.url), "slow/m")
    assert (EACH_ONCE, set(CLIENTS)) == (upstream.fake.ledger, first.chosen)


def test_a_connection_that_breaks_within_the_answer(service, upstream, ask_all):
    """The same, except for OpenAI's npm client, which does not retry after the head."""
    first = FirstOfEach(upstream.fake.ledger)
    with in_thread(CuttingProxy("127.0.0.1", service.port, first, answer_bytes=1000)) as proxy:
        images = ask_all(everywhere(proxy.url), "large/m")
    assert (EACH_ONCE, set(CLIENTS)) == (upstream.fake.ledger, first.chosen)
    assert EACH_ONCE == {**images, "openai_npm": 1}


def test_a_service_that_is_killed(service, upstream, ask_all):
    """The call's outcome is unknown after the restart, and the retry is told so."""
    upstream.fake.seconds = 60

    def kill():
        until(lambda: set(upstream.fake.ledger) == set(CLIENTS))
        service.kill()
        service.start()

    assert dict.fromkeys(CLIENTS, 0) == ask_all(everywhere(service.url), "slow/m", during=kill)
    assert EACH_ONCE == upstream.fake.ledger


@pytest.mark.parametrize(
    ("seconds", "patience"),
    [
        pytest.param(9, (6,), id="scaled down"),
        pytest.param(110, (60, 90), id="110 s", marks=pytest.mark.long),
    ],
)
def test_a_gateway_that_times_out(service, upstream, ask_all, start_nginx, seconds, patience):
    """Our site for nginx waits; behind a third party's each client retries and gets its first image."""
    upstream.fake.seconds = seconds
    nginx = start_nginx(*patience)
    ways = {"documented": nginx.documented, **nginx.strangers}
    addresses = {f"{client} {way}": url for client in CLIENTS for way, url in ways.items()}

    assert dict.fromkeys(addresses, 1) == ask_all(addresses, "slow/m", certificate=nginx.certificate)
    assert dict.fromkeys(addresses, 1) == upstream.fake.ledger
    log = (nginx.folder / "access.log").read_text()
    assert log.count('" 504 ') >= len(CLIENTS) * len(patience)


@pytest.mark.long
def test_a_client_that_times_out(service, upstream, ask_all):
    """Node's own fetch waits 300 s for a head."""
    upstream.fake.seconds = 310

    assert EACH_ONCE == ask_all(everywhere(service.url), "slow/m")
    assert EACH_ONCE == upstream.fake.ledger


class FirstOfEach:
    """Selects the first request of each client, once it has reached the provider."""

    def __init__(self, ledger):
        self.chosen = set()
        self._ledger = ledger

    def __call__(self, request):
        who = next(client for client in CLIENTS if f'"{client}"'.encode() in request)
        if who in self.chosen:
            return None
        self.chosen.add(who)
        return asyncio.to_thread(until, lambda: who in self._ledger)
