"""Responses are sent again while nothing is written, and never after a write that was acknowledged."""

import asyncio

import attrs
import pytest

from imagegen_http.guard.asgi import CACHEABLE
from imagegen_http.server.responses import ResponseCache

pytestmark = pytest.mark.anyio


@attrs.frozen
class Handler:
    opt: dict


class Gallery:
    """An application whose responses show how many writes there were when they were read."""

    def __init__(self, *, status=200, opt=None, max_bytes=100_000, padding=b""):
        self.written = 0
        self.reads = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._status, self._padding = status, padding
        self._handler = Handler({CACHEABLE: True} if opt is None else opt)
        self._cache = ResponseCache(self, writes=lambda: self.written, max_bytes=max_bytes)

    async def __call__(self, scope, receive, send):
        scope["route_handler"] = self._handler
        self.reads.append(scope["path"])
        body = b"%s of %d" % (scope["path"].encode(), self.written) + self._padding
        await self.go_on.wait()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": self._status, "headers": [length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def ask(self, path="/a", *, method="GET", query=b""):
        """Return the body of the response; a server may add headers to what it is given."""
        messages = []

        async def send(message):
            messages.append(message)
            if "headers" in message:
                message["headers"].append("more")

        await self._cache({"method": method, "path": path, "query_string": query}, None, send)
        start, end = messages
        assert self._status == start["status"]
        assert [(b"content-length", b"%d" % len(end["body"])), "more"] == start["headers"]
        return end["body"]


async def test_an_equal_request_gets_the_same_response_while_nothing_is_written():
    gallery = Gallery()

    bodies = [await gallery.ask() for _ in range(3)]

    assert [b"/a of 0"] * 3 == bodies
    assert ["/a"] == gallery.reads


async def test_after_a_write_everything_is_read_again():
    gallery = Gallery()
    await gallery.ask("/a")
    await gallery.ask("/b")

    gallery.written += 1

    assert [b"/b of 1", b"/a of 1"] == [await gallery.ask("/b"), await gallery.ask("/a")]


async def test_what_was_read_before_a_write_is_not_kept_beyond_it():
    """Whoever asked before gets it; whoever asks after the write does not."""
    gallery = Gallery()
    gallery.go_on.clear()
    earlier = asyncio.create_task(gallery.ask())
    await asyncio.sleep(0)
    gallery.written += 1
    gallery.go_on.set()

    assert [b"/a of 0", b"/a of 1"] == [await earlier, await gallery.ask()]


async def test_what_was_read_before_a_write_is_not_kept_although_others_have_asked_since():
    """Their request drops what there is; this one is added later, and is older."""
    gallery = Gallery()
    gallery.go_on.clear()
    earlier = asyncio.create_task(gallery.ask("/a"))
    await asyncio.sleep(0)
    gallery.written += 1
    other = asyncio.create_task(gallery.ask("/b"))
    await asyncio.sleep(0)
    gallery.go_on.set()
    await asyncio.gather(earlier, other)

    assert b"/a of 1" == await gallery.ask("/a")


@pytest.mark.parametrize(
    ("gallery", "request_"),
    [
        ({"status": 404}, {}),
        ({"opt": {}}, {}),
        ({}, {"method": "HEAD"}),
        ({"max_bytes": 1_000}, {}),
    ],
    ids=["an error", "another handler", "another method", "too large"],
)
async def test_nothing_else_is_kept(gallery, request_):
    gallery = Gallery(**gallery)

    for _ in range(2):
        await gallery.ask(**request_)

    assert 2 == len(gallery.reads)


async def test_the_query_belongs_to_the_target():
    gallery = Gallery()

    for query in (b"page=1", b"page=2", b"page=1"):
        await gallery.ask(query=query)

    assert 2 == len(gallery.reads)


async def test_what_was_not_asked_for_longest_makes_room():
    """A response counts with some overhead, so three of these do not fit into 6 KB."""
    gallery = Gallery(max_bytes=6_000, padding=b"x" * 1_500)

    for path in ("/a", "/b", "/a", "/c", "/a", "/b"):
        await gallery.ask(path)

    assert ["/a", "/b", "/c", "/b"] == gallery.reads


async def test_a_response_that_two_asked_for_counts_once():
    gallery = Gallery(max_bytes=6_000, padding=b"x" * 1_500)
    gallery.go_on.clear()
    both = [asyncio.create_task(gallery.ask("/a")) for _ in range(2)]
    await asyncio.sleep(0)
    gallery.go_on.set()
    await asyncio.gather(*both)

    for path in ("/b", "/a", "/b"):
        await gallery.ask(path)

    assert ["/a", "/a", "/b"] == gallery.reads
