"""What the guard adds to every response, and when it closes a connection."""

import pytest

from imagegen_http.guard.guard import InboundGuard
from tests.unit.http.guard.guard_requests import CLOCK, RULES, ask, echo, refuse

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("path", "status"), [("/api/v1/tasks", 200), ("/api/v1/tasks", 403)])
async def test_answers_carry_security_headers(path, status):
    """Refusals too."""
    headers = [] if status == 200 else [("Host", "evil.example")]

    answer = await ask("GET", path, *headers)

    expected = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "content-security-policy": "frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    assert (status, expected) == (answer.status, answer.headers)


async def test_headers_of_the_response_itself_stay():
    """An image's own policy and caching are not overwritten."""
    own = {"content-security-policy": "sandbox", "Cache-Control": "private"}

    async def app(scope, receive, send):
        headers = [(k.encode(), v.encode()) for k, v in own.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    guard = InboundGuard(app, rules=RULES, refuse=refuse, clock=CLOCK)
    answer = await ask("GET", "/api/v1/images/7/content", guard=guard)

    assert own == {
        k: v for k, v in answer.headers.items() if k.lower() in ("content-security-policy", "cache-control")
    }


async def test_an_unchanged_page_keeps_its_referrer_policy():
    """A browser takes over the headers of a 304; under another policy, forms have ``Origin: null``."""

    async def app(scope, receive, send):
        is_new = (b"if-none-match", b'"a"') not in scope["headers"]
        headers = [(b"content-type", b"text/html")] if is_new else []
        await send({"type": "http.response.start", "status": 200 if is_new else 304, "headers": headers})

    guard = InboundGuard(app, rules=RULES, refuse=refuse, clock=CLOCK)
    page = await ask("GET", "/", guard=guard)
    unchanged = await ask("GET", "/", ("If-None-Match", '"a"'), guard=guard)

    assert "same-origin" == page.headers["referrer-policy"]
    assert (304, None) == (unchanged.status, unchanged.headers.get("referrer-policy"))


async def test_a_websocket_is_closed():
    """There are none here, so none can bypass the guard."""
    messages = []

    async def send(message):
        messages.append(message)

    await InboundGuard(echo, rules=RULES, refuse=refuse, clock=CLOCK)({"type": "websocket"}, None, send)

    assert [{"type": "websocket.close", "code": 1008}] == messages


async def test_refusing_a_request_without_a_body_keeps_its_connection():
    """Only an unread body closes the connection."""
    closes = [
        "connection" in (await ask("POST", "/", ("Host", "evil.example"), *extra)).headers
        for extra in ([], [("Content-Length", "0")], [("Content-Length", "5")])
    ]

    assert [False, False, True] == closes
