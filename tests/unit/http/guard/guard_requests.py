"""One request through the inbound guard, without a server."""

import json
from datetime import UTC, datetime

import attrs

from imagegen_core.messages import Language
from imagegen_http.errors import envelope
from imagegen_http.guard.asgi import GuardRules
from imagegen_http.guard.guard import InboundGuard
from tests.contracts.clock import ManualClock

MIB = 1024 * 1024
NOW = 1_800_000_000.0
CLOCK = ManualClock(datetime.fromtimestamp(NOW, UTC))
TOKEN = "令牌-s3cret"
RULES = GuardRules(linger_seconds=0.0, failed_login_seconds=0.0, body_seconds=5.0)
WITH_TOKEN = attrs.evolve(RULES, auth_token=TOKEN)
GENERATE = "/api/v1/tasks/generate"
EDIT = "/api/v1/images/edit"
HOST = ("Host", "127.0.0.1:8080")
JSON_TYPE = ("Content-Type", "application/json")


@attrs.frozen
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def slug(self):
        return json.loads(self.body)["error"] if self.status != 200 else "ok"


async def refuse(scope, receive, send, slug, data, headers):
    status = {
        "forbidden_origin": 403,
        "unauthorized": 401,
        "body_too_large": 413,
        "unsupported_media_type": 415,
        "validation_failed": 400,
        "unavailable": 503,
        "method_not_allowed": 405,
    }[slug]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }
    )
    _, body = envelope(slug, dict(data), language=Language.EN, request_id="id")
    await send({"type": "http.response.body", "body": json.dumps(body["data"]).encode()})


async def echo(scope, receive, send):
    """Respond with the body, or fail when it does not arrive in one message."""
    message = await receive()
    assert message["more_body"] is False
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def scope_of(method, path, headers, scheme="http"):
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "scheme": scheme,
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers],
    }


async def ask(method, path, *headers, body=b"", rules=RULES, guard=None, scheme="http"):
    """Send one request with a body of one or several chunks; HOST is added unless a Host is given."""
    all_headers = [*([] if any(k == "Host" for k, _ in headers) else [HOST]), *headers]
    chunks = [body] if isinstance(body, bytes) else list(body)
    if isinstance(body, bytes) and body and not any(k == "Content-Length" for k, _ in headers):
        all_headers.append(("Content-Length", str(len(body))))
    elif not isinstance(body, bytes):
        all_headers.append(("Transfer-Encoding", "chunked"))
    messages = [
        {"type": "http.request", "body": c, "more_body": more}
        for c, more in zip(chunks, [*[True] * (len(chunks) - 1), False], strict=True)
    ]
    messages_out = []

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        messages_out.append(message)

    guard = guard or InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)
    await guard(scope_of(method, path, all_headers, scheme), receive, send)
    return Answer(
        messages_out[0]["status"],
        {k.decode(): v.decode() for k, v in messages_out[0]["headers"]},
        b"".join(m["body"] for m in messages_out[1:]),
    )


SELF, EVIL, OTHER_PORT = "http://127.0.0.1:8080", "https://evil.example", "http://127.0.0.1:9999"


def upload(size):
    """Return a body of that size with an image in it."""
    head, tail = b'{"image":"data:image/png;base64,', b'"}'
    if size < len(head + tail):
        return b" " * size
    return head + b"A" * (size - len(head) - len(tail)) + tail
