"""The inbound guard, request by request."""

import asyncio
import contextlib
import itertools
import json
from datetime import UTC, datetime
from urllib.parse import quote

import attrs
import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_core.messages import Language
from imagegen_http.guard import GuardRules, InboundGuard, sessions
from imagegen_http.guard.hosts import AllowedHosts
from imagegen_http.problems.error_table import envelope

pytestmark = pytest.mark.anyio

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


# ---------------------------------------------------------------- hosts


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


# ---------------------------------------------------------------- other sites

SELF, EVIL, OTHER_PORT = "http://127.0.0.1:8080", "https://evil.example", "http://127.0.0.1:9999"


@pytest.mark.parametrize(
    ("method", "site", "origin", "status"),
    [
        ("POST", None, None, 200),
        ("POST", "same-origin", SELF, 200),
        ("POST", "none", None, 200),
        ("POST", "same-site", SELF, 403),
        ("POST", "cross-site", None, 403),
        ("POST", "cross-site", SELF, 403),
        ("POST", "Cross-Site", None, 403),
        ("POST", "anything", None, 403),
        ("POST", None, SELF, 200),
        ("POST", None, "https://127.0.0.1:8080", 200),
        ("POST", None, EVIL, 403),
        ("POST", None, OTHER_PORT, 403),
        ("POST", None, "http://127.0.0.1", 403),
        ("POST", None, "null", 403),
        ("POST", "same-origin", "null", 403),
        ("POST", None, "http://[", 403),
        ("POST", None, "file://", 403),
        ("PUT", "cross-site", None, 403),
        ("DELETE", None, EVIL, 403),
        ("PATCH", "same-site", None, 403),
        ("GET", None, None, 200),
        ("GET", "same-origin", None, 200),
        ("GET", "none", None, 200),
        ("GET", "cross-site", None, 403),
        ("GET", "same-site", None, 403),
        ("GET", None, EVIL, 403),
        ("GET", None, "null", 403),
        ("HEAD", "cross-site", None, 403),
        ("OPTIONS", "cross-site", EVIL, 403),
    ],
)
async def test_other_sites_cannot_use_the_api(method, site, origin, status):
    """The browser's headers decide; without any it is not a browser."""
    headers = [("Sec-Fetch-Site", site), ("Origin", origin)]

    answer = await ask(method, "/api/v1/tasks", *[(k, v) for k, v in headers if v is not None])

    assert (status, False) == (answer.status, "access-control-allow-origin" in answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "mode", "status"),
    [
        ("GET", "/", "navigate", 200),
        ("GET", "/", "no-cors", 403),
        ("GET", "/health", "cors", 403),
        ("GET", "/docs", "navigate", 200),
        ("GET", "/api/v1/images/7/content", "navigate", 200),
        ("GET", "/api/v1/images/7/content", "no-cors", 403),
        ("GET", "//api//v1/images", "no-cors", 403),
        ("GET", "/v1/models", "cors", 403),
        ("GET", "/api", "cors", 403),
        ("GET", "/apiary", "cors", 403),
        ("POST", "/", "navigate", 403),
        ("POST", "/login", "navigate", 403),
        ("POST", "/logout", "navigate", 403),
    ],
)
async def test_other_sites_may_link_but_not_embed(method, path, mode, status):
    """A cross-site navigation that only reads is a link; anything else is not."""
    answer = await ask(method, path, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", mode))

    assert status == answer.status


async def test_two_origins_are_foreign():
    """A repeated header cannot hide a foreign origin behind our own."""
    answer = await ask("POST", GENERATE, ("Origin", SELF), ("Origin", EVIL))

    assert "forbidden_origin" == answer.slug


# ---------------------------------------------------------------- types of bodies


@pytest.mark.parametrize(
    ("path", "content_type", "status"),
    [
        (GENERATE, "application/json", 200),
        (GENERATE, "application/json; charset=utf-8", 200),
        (GENERATE, "Application/JSON;charset=UTF-8", 200),
        (GENERATE, None, 415),
        (GENERATE, "text/plain", 415),
        (GENERATE, "text/plain; application/json", 415),
        (GENERATE, "application/jsonp", 415),
        (GENERATE, "application/x-www-form-urlencoded", 415),
        (GENERATE, "multipart/form-data; boundary=a", 415),
        (GENERATE + "/", "text/plain", 415),
        ("//api/v1/tasks/generate", "text/plain", 415),
        ("/api/unknown", "text/plain", 415),
        ("/v1/images/generations", "text/plain", 415),
        ("/v1/images/edits", "multipart/form-data; boundary=a", 200),
        ("/v1/images/edits", "application/json", 200),
        ("/v1/images/edits", "text/plain", 415),
        ("/login", "text/plain", 415),
        ("/", "text/plain", 200),
    ],
)
@pytest.mark.parametrize("in_chunks", [False, True])
async def test_a_body_must_be_declared(path, content_type, status, in_chunks):
    """Bodies are JSON except for the two forms, with or without a Content-Length."""
    headers = [] if content_type is None else [("Content-Type", content_type)]

    answer = await ask("POST", path, *headers, body=[b"{", b"}"] if in_chunks else b"{}")

    assert status == answer.status


async def test_two_content_types_are_none():
    """A repeated Content-Type is not read as its first."""
    answer = await ask("POST", GENERATE, JSON_TYPE, ("Content-Type", "text/plain"), body=b"{}")

    assert "unsupported_media_type" == answer.slug


async def test_a_compressed_body_is_refused():
    """Nothing here decompresses bodies."""
    answer = await ask("POST", GENERATE, JSON_TYPE, ("Content-Encoding", "gzip"), body=b"{}")

    assert "unsupported_media_type" == answer.slug


@pytest.mark.parametrize("headers", [[], [("Content-Length", "0")], [("Content-Type", "text/plain")]])
async def test_an_empty_body_needs_no_type(headers):
    """Cancel, retry and test are POSTs without a body."""
    assert 200 == (await ask("POST", "/api/v1/tasks/a/cancel", *headers)).status


async def test_an_empty_chunked_body_needs_no_type():
    """The same, from a client that does not know the length in advance."""
    assert 200 == (await ask("POST", "/api/v1/tasks/a/cancel", body=[b"", b""])).status


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("path", "size", "max_bytes"),
    [
        (GENERATE, MIB, None),
        (GENERATE, MIB + 1, MIB),
        ("/api/v1/images/generate-with-references", 3 * MIB, None),
        (EDIT, 3 * MIB, None),
        (EDIT + "/", 3 * MIB, None),
        ("/api/v1/images/upscale", 3 * MIB, None),
        ("/api/v1/images/recontext", 3 * MIB, None),
        ("/api/v1/images/segment", 3 * MIB, None),
        ("/v1/images/edits", 3 * MIB, None),
        (EDIT, 3 * MIB + 1, 3 * MIB),
        ("/v1/images/generations", MIB + 1, MIB),
        ("/login", 16 * 1024 + 1, 16 * 1024),
    ],
)
@pytest.mark.parametrize("in_chunks", [False, True])
async def test_bodies_are_limited(path, size, max_bytes, in_chunks):
    """Bodies with images have their own limit; a Content-Length makes no difference."""
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    rules = attrs.evolve(RULES, max_upload_bytes=3 * MIB)
    text, half = upload(size), size // 2
    body = [text[:half], text[half:]] if in_chunks else text

    answer = await ask("POST", path, ("Content-Type", kind), body=body, rules=rules)

    limit = None if answer.status == 200 else json.loads(answer.body)["max_bytes"]
    assert (200 if max_bytes is None else 413, max_bytes) == (answer.status, limit)


async def test_an_announced_length_is_enough_to_refuse():
    """Nothing of a body that is declared too large is read."""
    answer = await ask("POST", GENERATE, JSON_TYPE, ("Content-Length", "99999999999"))

    assert ("body_too_large", "close") == (answer.slug, answer.headers["connection"])


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0x10", "5, 5", "²", "9" * 30])
async def test_a_length_that_is_no_number_is_refused(length):
    """Servers should have refused it before."""
    assert "validation_failed" == (await ask("POST", GENERATE, ("Content-Length", length))).slug


async def test_a_length_beside_chunks_is_refused():
    """A proxy may have gone by the other header, so the connection is not reused."""
    answer = await ask("POST", GENERATE, ("Content-Length", "2"), JSON_TYPE, body=[b"{}"])

    assert ("validation_failed", "close") == (answer.slug, answer.headers["connection"])


class Unfinished:
    """A request whose body has started; the rest never arrives."""

    def __init__(self, begun):
        self._messages = [{"type": "http.request", "body": begun, "more_body": True}]

    async def sent_to(self, guard):
        """Return the slug of the answer."""
        messages = []

        async def receive():
            return self._messages.pop() if self._messages else await asyncio.Future()

        async def send(message):
            messages.append(message)

        headers = [HOST, JSON_TYPE, ("Transfer-Encoding", "chunked")]
        await guard(scope_of("POST", GENERATE, headers), receive, send)
        return json.loads(messages[1]["body"])["error"]


class Holding:
    """An application that keeps its request open until the test releases it."""

    def __init__(self):
        self.may_end = asyncio.Event()
        self.running = 0
        self.started = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.started.set()
        await self.may_end.wait()
        await echo(scope, receive, send)


def upload(size):
    """Return a body of that size with an image in it."""
    head, tail = b'{"image":"data:image/png;base64,', b'"}'
    if size < len(head + tail):
        return b" " * size
    return head + b"A" * (size - len(head) - len(tail)) + tail


async def test_bodies_are_counted_from_their_first_byte():
    """Incomplete ones too, however small they are."""
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=4 * MIB, reserved_bytes=0)
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)
    held_open = [Unfinished(b" " * (MIB // 2)) for _ in range(9)]
    running = [asyncio.create_task(each.sent_to(guard)) for each in held_open]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    assert 4 * MIB == guard.bytes_in_flight
    assert ["unavailable"] == [task.result() for task in running if task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert 0 == guard.bytes_in_flight


async def test_a_prompt_gets_through_while_uploads_fill_the_memory():
    """It has a reserve that no large body may use."""
    app = Holding()
    rules = attrs.evolve(RULES, max_upload_bytes=MIB, max_bytes_in_flight=MIB, reserved_bytes=300 * 1024)
    guard = InboundGuard(app, rules=rules, refuse=refuse, clock=CLOCK)
    first = asyncio.create_task(ask("POST", EDIT, JSON_TYPE, body=upload(MIB), guard=guard))
    await app.started.wait()

    large = await ask("POST", EDIT, JSON_TYPE, body=upload(257 * 1024), guard=guard)
    text = b" " * 200 * 1024
    prompts = [asyncio.create_task(ask("POST", GENERATE, JSON_TYPE, body=text, guard=guard)) for _ in "ab"]
    await asyncio.wait(prompts, return_when=asyncio.FIRST_COMPLETED)
    app.may_end.set()
    answers = await asyncio.gather(*prompts)
    await first

    assert ["ok", "unavailable", "unavailable"] == sorted(answer.slug for answer in (large, *answers))
    assert "unavailable" == large.slug
    assert 0 == guard.bytes_in_flight


async def test_large_bodies_share_a_budget():
    """One too many gets 503; small ones pass; the end of a request frees its bytes."""
    app = Holding()
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=5 * MIB)
    guard = InboundGuard(app, rules=rules, refuse=refuse, clock=CLOCK)
    first = asyncio.create_task(ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard))
    await app.started.wait()

    announced = await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)
    chunked = await ask(
        "POST",
        EDIT,
        JSON_TYPE,
        body=[upload(3 * MIB)[at : at + MIB] for at in range(0, 3 * MIB, MIB)],
        guard=guard,
    )
    app.may_end.set()
    small = await ask("POST", GENERATE, JSON_TYPE, body=b" " * MIB, guard=guard)
    await first
    later = await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)

    assert ["unavailable", "unavailable", "ok", "ok"] == [a.slug for a in (announced, chunked, small, later)]
    assert "5" == announced.headers["retry-after"]
    assert 0 == guard.bytes_in_flight


async def test_one_upload_always_fits():
    """A budget below the maximum size of an upload would refuse it forever."""
    rules = attrs.evolve(RULES, max_upload_bytes=4 * MIB, max_bytes_in_flight=MIB)

    assert 200 == (await ask("POST", EDIT, JSON_TYPE, body=upload(4 * MIB), rules=rules)).status


async def test_a_failing_application_frees_its_bytes():
    """The budget does not leak."""

    async def failing(scope, receive, send):
        raise RuntimeError

    guard = InboundGuard(failing, rules=RULES, refuse=refuse, clock=CLOCK)

    with contextlib.suppress(RuntimeError):
        await ask("POST", EDIT, JSON_TYPE, body=upload(3 * MIB), guard=guard)

    assert 0 == guard.bytes_in_flight


# ---------------------------------------------------------------- reading


async def test_a_body_that_does_not_end_is_refused():
    """After the time-out the client gets a response and the connection is closed."""
    messages = []
    chunks = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive():
        return next(chunks, None) or await asyncio.Future()

    async def send(message):
        messages.append(message)

    headers = [HOST, JSON_TYPE, ("Content-Length", "2")]
    guard = InboundGuard(echo, rules=attrs.evolve(RULES, body_seconds=0.01), refuse=refuse, clock=CLOCK)
    await guard(scope_of("POST", GENERATE, headers), receive, send)

    error = json.loads(messages[1]["body"])
    assert "was not complete after 0.01 seconds" == error["errors"][0]["message"]
    assert (b"connection", b"close") in messages[0]["headers"]


async def test_a_client_that_disconnects_gets_no_response():
    """Half a body and a disconnect end the request silently."""
    responses = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        responses.append(message)

    guard = InboundGuard(echo, rules=RULES, refuse=refuse, clock=CLOCK)
    await guard(scope_of("POST", GENERATE, [HOST, JSON_TYPE, ("Content-Length", "2")]), receive, send)

    assert [] == responses


async def test_the_application_notices_a_disconnect():
    """After the body, ``receive`` returns the server's messages."""
    heard = []

    async def app(scope, receive, send):
        heard.extend([(await receive())["body"], (await receive())["type"]])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    guard = InboundGuard(app, rules=RULES, refuse=refuse, clock=CLOCK)
    await ask("POST", GENERATE, JSON_TYPE, body=[b"[", b"]"], guard=guard)

    assert [b"[]", "http.disconnect"] == heard


# ---------------------------------------------------------------- depth


@pytest.mark.parametrize("size", [1000, 200_000])
async def test_deep_json_is_refused(size):
    """Brackets that would exhaust a parser never reach it."""
    answer = await ask("POST", GENERATE, JSON_TYPE, body=b"[" * size)

    assert ("validation_failed", "body") == (answer.slug, json.loads(answer.body)["errors"][0]["field"])


# ---------------------------------------------------------------- token and cookie

COOKIE = ("Cookie", f"a=b; {sessions.COOKIE}={sessions.issue(TOKEN, NOW)}")
OLD_COOKIE = ("Cookie", f"{sessions.COOKIE}={sessions.issue(TOKEN, NOW - sessions.LIFETIME_SECONDS)}")
OTHER_COOKIE = ("Cookie", f"{sessions.COOKIE}={sessions.issue('other', NOW)}")
BEARER = ("Authorization", "Bearer " + TOKEN.encode().decode("latin-1"))
NAVIGATE = ("Sec-Fetch-Mode", "navigate")
OWN = ("Sec-Fetch-Site", "same-origin")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/health", [], 200),
        ("GET", "/health/ready", [], 200),
        ("GET", "/login", [], 200),
        ("GET", "/docs", [], 200),
        ("GET", "/docs/ui.js", [], 200),
        ("GET", "/openapi.json", [], 200),
        ("GET", "/docs/../api/v1/tasks", [], 401),
        ("GET", "/health/..\\api", [], 401),
        ("GET", "/healthy", [], 401),
        ("GET", "/api/v1/tasks", [], 401),
        ("GET", "/api/v1/health", [], 401),
        ("GET", "/unknown", [], 401),
        ("GET", "/api/v1/tasks", [BEARER], 200),
        ("GET", "/api/v1/tasks", [("Authorization", "bearer  " + BEARER[1][7:])], 200),
        ("GET", "/api/v1/tasks", [("Authorization", "Bearer wrong")], 401),
        ("GET", "/api/v1/tasks", [("Authorization", "Bearer")], 401),
        ("GET", "/api/v1/tasks", [("Authorization", "Basic " + BEARER[1][7:])], 401),
        ("GET", "/api/v1/tasks", [BEARER, BEARER], 401),
        ("GET", "/v1/models", [], 401),
        ("GET", "/v1/models", [BEARER], 200),
        ("GET", "/", [COOKIE], 200),
        ("GET", "/static/app.js", [COOKIE], 200),
        ("GET", "/", [OLD_COOKIE], 401),
        ("GET", "/", [OTHER_COOKIE], 401),
        ("GET", "/", [("Cookie", f"{sessions.COOKIE}=")], 401),
        ("GET", "/", [("Cookie", f"{sessions.COOKIE}=9999999999.00")], 401),
        ("GET", "/", [OTHER_COOKIE, COOKIE], 200),
        ("GET", "/api/v1/images/7/content", [COOKIE], 200),
        ("HEAD", "/api/v1/images/7/thumbnail", [COOKIE], 200),
        ("DELETE", "/api/v1/images/7/content", [COOKIE], 401),
        ("GET", "/api/v1/images/7", [COOKIE], 401),
        ("GET", "/api/v1/images/7", [COOKIE, OWN], 200),
        ("GET", "/api/v1/images/7", [COOKIE, ("Sec-Fetch-Site", "none")], 401),
        ("GET", "/api/v1/images/7", [COOKIE, ("Referer", f"{SELF}/")], 200),
        ("GET", "/api/v1/images/7", [COOKIE, ("Referer", f"{OTHER_PORT}/")], 401),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE], 401),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, OWN], 200),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Origin", SELF)], 200),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Origin", EVIL)], 403),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Sec-Fetch-Site", "same-site")], 403),
    ],
)
async def test_what_token_and_cookie_authorize(method, path, headers, status):
    """The token authorizes everything, the cookie what the console needs, and a few paths need neither."""
    assert status == (await ask(method, path, *headers, rules=WITH_TOKEN)).status


async def test_a_program_is_told_how_to_authenticate():
    """A 401 names the scheme."""
    answer = await ask("POST", GENERATE, JSON_TYPE, body=b"{}", rules=WITH_TOKEN)

    assert ("unauthorized", "Bearer") == (answer.slug, answer.headers["www-authenticate"])


@pytest.mark.parametrize("header", [NAVIGATE, ("Accept", "text/html,*/*")])
async def test_a_person_is_led_to_the_login_and_back(header):
    """A console page without a cookie redirects, and is the target after the login."""
    answer = await ask("GET", "/gallery?q=%E7%8C%AB&a=b", header, rules=WITH_TOKEN)

    location = "/login?next=/gallery%3Fq%3D%25E7%258C%25AB%26a%3Db"
    assert (303, location) == (answer.status, answer.headers["location"])


async def test_the_api_does_not_redirect():
    """A person who opens an API address gets a 401."""
    assert 401 == (await ask("GET", "/api/v1/tasks", NAVIGATE, rules=WITH_TOKEN)).status


# ---------------------------------------------------------------- login

FORM = ("Content-Type", "application/x-www-form-urlencoded")


async def log_in(password, target=None, **options):
    body = f"password={quote(password)}" + (f"&next={quote(target, safe='')}" if target else "")
    return await ask("POST", "/login", FORM, body=body.encode(), rules=WITH_TOKEN, **options)


async def test_the_right_token_sets_a_cookie_that_opens_the_console():
    """The login redirects to the console with an HttpOnly, SameSite=Strict cookie."""
    answer = await log_in(TOKEN)

    value, _, flags = answer.headers["set-cookie"].partition("; ")
    console = await ask("GET", "/", ("Cookie", value), rules=WITH_TOKEN)
    assert (303, "/", 200) == (answer.status, answer.headers["location"], console.status)
    assert "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict" == flags


async def test_the_cookie_is_secure_over_https():
    """A cookie that was set over TLS is never sent without it."""
    assert (await log_in(TOKEN, scheme="https")).headers["set-cookie"].endswith("; Secure")


async def test_a_wrong_token_shows_the_form_again():
    """The response is a 401 page that says so and sets no cookie."""
    answer = await log_in("wrong")

    assert (401, False) == (answer.status, "set-cookie" in answer.headers)
    assert "访问令牌不正确" in answer.body.decode()


async def test_only_a_few_may_wait_for_their_failed_try():
    """Parallel guesses are refused before anything is compared."""
    rules = attrs.evolve(WITH_TOKEN, failed_login_seconds=0.05)
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)

    answers = await asyncio.gather(
        *(log_in("wrong", guard=guard) for _ in range(6)), log_in(TOKEN, guard=guard)
    )

    assert [401, 401, 401, 401, 503, 503, 503] == [a.status for a in answers]


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/gallery?q=%E7%8C%AB", "/gallery?q=%E7%8C%AB"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("/\t/evil.example", "/"),
        ("/猫", "/"),
        ("/login?next=/login", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
async def test_a_login_leads_only_to_our_own_pages(target, location):
    """Anything but a plain path on this server becomes the console."""
    assert location == (await log_in(TOKEN, target)).headers["location"]


@pytest.mark.parametrize(
    ("language", "words"), [("", ["登录", "访问令牌"]), ("en-GB,en;q=0.9", ["Log in", "Access token"])]
)
async def test_the_login_page_speaks_both_languages(language, words):
    """Chinese unless English is preferred."""
    answer = await ask("GET", "/login", ("Accept-Language", language), rules=WITH_TOKEN)

    assert [True, True] == [word in answer.body.decode() for word in words]


async def test_the_login_page_escapes_where_it_leads():
    """The return address cannot escape its attribute."""
    answer = await ask("GET", '/login?next=/"><b>', rules=WITH_TOKEN)

    assert b'value="/&quot;&gt;&lt;b&gt;"' in answer.body


async def test_the_login_page_may_do_nothing_but_log_in():
    """Its policy allows one style and its own form; the form sends its origin."""
    headers = (await ask("GET", "/login", rules=WITH_TOKEN)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert ("same-origin", "no-store") == (headers["referrer-policy"], headers["cache-control"])


async def test_logging_out_clears_the_cookie():
    """A logout redirects to the login."""
    answer = await ask("POST", "/logout", COOKIE, OWN, rules=WITH_TOKEN)

    assert (303, "/login") == (answer.status, answer.headers["location"])
    assert answer.headers["set-cookie"].startswith(f"{sessions.COOKIE}=; Path=/; Max-Age=0;")


async def test_a_valid_cookie_skips_the_login():
    """The login page redirects whoever has one."""
    assert 303 == (await ask("GET", "/login", COOKIE, rules=WITH_TOKEN)).status


@pytest.mark.parametrize(("method", "path"), [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")])
async def test_without_a_token_there_is_no_login(method, path):
    """It redirects to the console."""
    answer = await ask(method, path)

    assert (303, "/") == (answer.status, answer.headers["location"])


@pytest.mark.parametrize(("method", "path"), [("PUT", "/login"), ("GET", "/logout")])
async def test_the_login_knows_its_methods(method, path):
    """A link cannot log anybody out."""
    assert "method_not_allowed" == (await ask(method, path, rules=WITH_TOKEN)).slug


# ---------------------------------------------------------------- answers


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


# ---------------------------------------------------------------- the cookie's value


def changed(text):
    """Yield every string that differs from this one in one character."""
    for index in range(len(text)):
        yield text[:index] + ("0" if text[index] != "0" else "1") + text[index + 1 :]


def test_a_session_is_valid_for_its_token_and_time_alone():
    """No other token, no later time and no changed character is accepted."""
    cookie = sessions.issue(TOKEN, NOW)
    tries = [
        sessions.is_valid(cookie, TOKEN, NOW),
        sessions.is_valid(cookie, TOKEN, NOW + sessions.LIFETIME_SECONDS - 1),
        sessions.is_valid(cookie, TOKEN, NOW + sessions.LIFETIME_SECONDS),
        sessions.is_valid(cookie, "other", NOW),
        any(
            sessions.is_valid(other, TOKEN, NOW)
            for other in itertools.chain(changed(cookie), ["", ".", "é.é"])
        ),
    ]

    assert [True, True, False, False, False] == tries
