"""Which types, sizes and depths of a body the guard lets through."""

import asyncio
import json

import attrs
import pytest

from imagegen_http.guard.guard import InboundGuard
from tests.unit.http.guard.guard_requests import (
    CLOCK,
    EDIT,
    GENERATE,
    HOST,
    JSON_TYPE,
    MIB,
    RULES,
    ask,
    echo,
    refuse,
    scope_of,
    upload,
)

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("size", [1000, 200_000])
async def test_deep_json_is_refused(size):
    """Brackets that would exhaust a parser never reach it."""
    answer = await ask("POST", GENERATE, JSON_TYPE, body=b"[" * size)

    assert ("validation_failed", "body") == (answer.slug, json.loads(answer.body)["errors"][0]["field"])
