"""JSON of the API comes compressed for who can read it, and nothing else does."""

import gzip

import pytest

from imagegen_http.server.responses import MIN_COMPRESSED_BYTES, CompressedJson

LIST = b'{"items": [%s]}' % (b'{"prompt": "a cat"}, ' * 400)
LARGE = LIST * 20


def app_of(body, *, status=200, content_type="application/json", pieces=1, **more):
    """Return an application that answers so."""

    async def app(scope, receive, send):
        headers = {"content-type": content_type, "content-length": str(len(body)), **more}
        head = [(name.encode(), value.encode()) for name, value in headers.items() if value]
        await send({"type": "http.response.start", "status": status, "headers": head})
        size = -(-len(body) // pieces)
        for n in range(pieces):
            piece = body[n * size : (n + 1) * size]
            await send({"type": "http.response.body", "body": piece, "more_body": n + 1 < pieces})

    return app


async def ask(app, *, path="/api/v1/images", method="GET", accepted="gzip", tag=""):
    """Return the headers and the body that a client gets."""
    messages = []

    async def send(message):
        messages.append(message)

    headers = [(b"accept-encoding", accepted.encode()), (b"if-none-match", tag.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await CompressedJson(app)(scope, None, send)
    start, *bodies = messages
    assert "http.response.start" == start["type"]
    head = {name.decode(): value.decode() for name, value in start["headers"]}
    return {**head, "status": start["status"]}, b"".join(message["body"] for message in bodies)


@pytest.mark.parametrize("body", [LIST, LARGE], ids=["on the event loop", "in a thread"])
async def test_a_list_comes_compressed(body):
    """With its new length; a cache in between keeps both forms apart."""
    headers, content = await ask(app_of(body))

    assert body == gzip.decompress(content)
    assert len(content) < len(body) / 10
    assert ("gzip", str(len(content)), "Accept-Encoding") == (
        headers["content-encoding"],
        headers["content-length"],
        headers["vary"],
    )


@pytest.mark.parametrize(
    ("app", "request_of"),
    [
        (app_of(LIST), {"accepted": "identity"}),
        (app_of(LIST), {"accepted": "gzip;q=0"}),
        (app_of(LIST), {"method": "POST"}),
        (app_of(LIST), {"path": "/v1/images/generations"}),
        (app_of(LIST), {"path": "/openapi.json"}),
        (app_of(LIST, status=404), {}),
        (app_of(LIST[: MIN_COMPRESSED_BYTES - 1]), {}),
        (app_of(LIST, content_type="image/png"), {}),
        (app_of(LIST, content_type="application/zip"), {}),
        (app_of(LIST, **{"content-encoding": "br"}), {}),
        (app_of(LIST, etag='"strong"'), {}),
        (app_of(LIST, content_type="text/event-stream", pieces=4, **{"content-length": ""}), {}),
        (app_of(LIST, pieces=4), {}),
    ],
    ids=[
        "not accepted",
        "refused",
        "not a read",
        "not our API",
        "static",
        "error",
        "short",
        "image",
        "zip",
        "compressed already",
        "with a tag",
        "events",
        "in pieces",
    ],
)
async def test_everything_else_is_left_as_it_is(app, request_of):
    """Byte for byte, with the application's own headers."""
    headers, content = await ask(app, **request_of)

    assert content in (LIST, LIST[: MIN_COMPRESSED_BYTES - 1])
    assert headers.get("content-encoding") != "gzip"
    assert "vary" not in headers


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_what_may_be_kept_is_not_sent_twice(accepted):
    """Whoever has it in either form gets nothing; what has changed has another tag."""
    policy = {"cache-control": "private, no-cache"}
    headers, _ = await ask(app_of(LIST, **policy))
    again, nothing = await ask(app_of(LIST, **policy), accepted=accepted, tag=headers["etag"])
    changed, content = await ask(app_of(LIST[:-1], **policy), accepted="identity", tag=headers["etag"])

    assert headers["etag"].startswith('W/"')
    assert (304, b"") == (again.pop("status"), nothing)
    assert {"cache-control": "private, no-cache", "vary": "Accept-Encoding", "etag": headers["etag"]} == again
    assert (200, LIST[:-1]) == (changed["status"], content)
    assert headers["etag"] != changed["etag"]


async def test_events_are_not_held_back():
    """Each piece is sent when the application has it."""
    events = []

    async def app(scope, receive, send):
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        events.append("start")
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        assert ["http.response.start", "start", "http.response.body"] == events
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message):
        events.append(message["type"])

    scope = {"type": "http", "method": "GET", "path": "/api/v1/events", "headers": []}
    scope["headers"] = [(b"accept-encoding", b"gzip")]
    await CompressedJson(app)(scope, None, send)

    assert 4 == len(events)
