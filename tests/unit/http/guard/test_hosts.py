"""Which Host a request may name."""

import attrs
import pytest

from imagegen_http.guard.access import AllowedHosts
from imagegen_http.guard.guard import InboundGuard
from tests.unit.http.guard.guard_requests import CLOCK, RULES, ask, echo, refuse, scope_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["127.0.0.1:8080"], 200),
        (["127.0.0.1"], 200),
        (["localhost:1"], 200),
        (["LocalHost"], 200),
        (["localhost."], 200),
        (["[::1]:8080"], 200),
        (["[0:0:0:0:0:0:0:1]"], 200),
        (["images.example:443"], 200),
        (["xn--fiq228c.example"], 200),
        (["192.168.1.5:8080"], 200),
        ([], 403),
        (["127.0.0.1:8080", "127.0.0.1:8080"], 403),
        (["127.0.0.1:8080", "evil.example"], 403),
        (["127.0.0.1, evil.example"], 403),
        ([""], 403),
        ([":8080"], 403),
        (["evil.example"], 403),
        (["localhost.evil.example"], 403),
        (["evil.example#localhost"], 403),
        (["localhost@evil.example"], 403),
        (["evil.example@localhost"], 403),
        (["localhost/evil"], 403),
        (["localhost .evil.example"], 403),
        (["localhost:80:80"], 403),
        (["localhost:99999"], 403),
        (["localhost:8o"], 403),
        (["localhost.."], 403),
        (["127.1"], 403),
        (["127.0.0.2"], 403),
        (["2130706433"], 403),
        (["0.0.0.0:8080"], 403),
        (["[::]"], 403),
        (["::1"], 403),
        (["[::1%25lo]"], 403),
        (["[::ffff:127.0.0.1]"], 403),
        (["lоcalhost".encode().decode("latin-1")], 403),
        (["sub.images.example"], 403),
    ],
)
async def test_the_host_must_be_on_the_list(hosts, status):
    """One Host, by exact name and any port, decides; anything unusual is refused."""
    rules = attrs.evolve(RULES, bind_host="192.168.1.5", allowed_hosts=("Images.example", "中文.example"))
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    await guard(scope_of("GET", "/health", [("Host", h) for h in hosts]), receive, send)

    assert status == messages[0]["status"]


async def test_a_wildcard_bind_allows_no_further_host():
    """A bind to all addresses allows only loopback and the configured names."""
    rules = attrs.evolve(RULES, bind_host="0.0.0.0")

    assert 403 == (await ask("GET", "/", ("Host", "0.0.0.0:8080"), rules=rules)).status


async def test_forwarding_headers_are_ignored():
    """They neither allow nor refuse anything."""
    forged = [("X-Forwarded-Host", "localhost"), ("Forwarded", "host=localhost")]

    assert 403 == (await ask("GET", "/", ("Host", "evil.example"), *forged)).status


@pytest.mark.parametrize("name", ["", "http://a.example", "a b", "*.example.com", "a@b"])
def test_a_name_that_cannot_be_a_host_is_refused_at_the_start(name):
    """A configured name with a scheme, a wildcard or a space raises."""
    with pytest.raises(ValueError, match="cannot be a Host"):
        AllowedHosts(bind_host="127.0.0.1", names=[name])
