"""Content that does not change: one compression, a tag for each form, and 304."""

import gzip

import attrs
import pytest

from imagegen_http.guard.asgi import FOREVER
from imagegen_http.guard.static import StaticContent

TEXT = b"export const words = 1;\n" * 100
CONTENT = StaticContent.compress(TEXT, "text/javascript")


@attrs.frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def ask(content=CONTENT, *, headers=(), more=None, **options):
    messages = []

    async def send(message):
        messages.append(message)

    scope = {
        "method": "GET",
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await content.response(headers=more or {}, **options)(scope, None, send)
    start, body = messages
    return Answer(
        start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]
    )


async def test_who_accepts_gzip_gets_less():
    """The same content, with a tag of its own: a strong tag means these very bytes."""
    plain, short = await ask(), await ask(headers=[("Accept-Encoding", "gzip, br")])

    assert (TEXT, TEXT) == (plain.body, gzip.decompress(short.body))
    assert ("gzip", str(len(short.body))) == (
        short.headers["content-encoding"],
        short.headers["content-length"],
    )
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != short.headers["etag"]
    assert {"Accept-Encoding"} == {plain.headers["vary"], short.headers["vary"]}


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("weakened", ["{}", "W/{}", '"other", {}'])
async def test_who_has_it_gets_no_body(coding, weakened):
    """304, with what a cache has to know; a proxy's weakened tag is good enough."""
    first = await ask(headers=[("Accept-Encoding", coding)])
    tags = weakened.format(first.headers["etag"])
    again = await ask(headers=[("Accept-Encoding", coding), ("If-None-Match", tags)])

    assert (304, b"") == (again.status, again.body)
    assert {"etag", "vary", "cache-control"} == set(again.headers)


async def test_who_has_the_other_form_gets_this_one():
    """A proxy that unpacks must not be told that its packed copy is current."""
    packed = await ask(headers=[("Accept-Encoding", "gzip")])

    assert 200 == (await ask(headers=[("If-None-Match", packed.headers["etag"])])).status


@pytest.mark.parametrize("body", [b"", b"short", bytes(range(256))], ids=["empty", "short", "dense"])
async def test_what_gzip_does_not_shorten_is_sent_as_it_is(body):
    """Nor does it vary."""
    answer = await ask(StaticContent.compress(body, "image/png"), headers=[("Accept-Encoding", "gzip")])

    assert (body, False, False) == (
        answer.body,
        "content-encoding" in answer.headers,
        "vary" in answer.headers,
    )


async def test_the_caller_says_how_long_it_stays_and_what_else_it_depends_on():
    """What the form depends on is added."""
    answer = await ask(cache_control=FOREVER, more={"vary": "Accept", "x-other": "1"})

    assert ("private, max-age=31536000, immutable", "Accept, Accept-Encoding", "1") == (
        answer.headers["cache-control"],
        answer.headers["vary"],
        answer.headers["x-other"],
    )
