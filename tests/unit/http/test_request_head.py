"""Heads are found and read; which of them are refused is listed in `tests.hostile_requests`."""

import pytest

from imagegen_http.server.framing import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    InvalidRequest,
    find_head,
    parse_head,
)

HEAD = b"GET /a?b HTTP/1.1\r\nHost: localhost\r\n"


def test_a_head_says_what_its_request_is():
    """Names are in lower case, values without the space around them."""
    head = parse_head(
        b"POST /a%20b?c=d HTTP/1.1\r\nHOST: localhost\r\nX: \t caf\xe9 \t\r\nX:\r\nContent-Length: 12\r\n"
        b"Expect: 100-Continue\r\nConnection: x, Close\r\n\r\n"
    )

    assert (12, False, True) == (head.content_length, head.keep_alive, head.expects_continue)
    assert {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=d",
        "headers": [
            *((b"host", b"localhost"), (b"x", b"caf\xe9"), (b"x", b""), (b"content-length", b"12")),
            *((b"expect", b"100-Continue"), (b"connection", b"x, Close")),
        ],
    } == head.scope


@pytest.mark.parametrize(
    ("lines", "content_length", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n", 0, True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n", None, True),
        (b"GET / HTTP/1.0\r\nContent-Length: 1\r\n", 1, False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", 0, False),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", 0, True),
        (b"GET / HTTP/1.1\nHost: a\n", 0, True),
    ],
)
def test_a_head_says_how_its_body_ends_and_whether_another_may_follow(lines, content_length, keep_alive):
    """HTTP/1.0 is answered and closed; nothing is upgraded."""
    head = parse_head(lines + b"\r\n")

    assert (content_length, keep_alive) == (head.content_length, head.keep_alive)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_head_is_found_wherever_it_is_cut(end):
    """At the byte that completes it, whatever follows it."""
    whole, ends, received = HEAD + end, [], bytearray()
    for byte in whole + b"GET /next":
        searched = len(received)
        received.append(byte)
        ends.append(find_head(received, searched))

    assert [0] * (len(whole) - 1) + [len(whole)] == ends[: len(whole)]


@pytest.mark.parametrize(
    ("received", "words"),
    [
        (b"\r\n", "not a valid HTTP request"),
        (b" GET", "not a valid HTTP request"),
        (b"\x16\x03\x01", "not a valid HTTP request"),
        (HEAD + b"X: y\r\n" * MAX_HEADERS, "at most 100 headers"),
        (HEAD + b"X: y\r\n" * MAX_HEADERS + b"\r\n", "at most 100 headers"),
        (HEAD + b"X: " + b"y" * MAX_HEAD_BYTES, "at most 32768 bytes"),
        (HEAD + b"X: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n", "at most 32768 bytes"),
    ],
)
def test_what_cannot_become_a_head_is_refused_before_its_end(received, words):
    """So that nobody waits for it, and no memory goes into it."""
    with pytest.raises(InvalidRequest, match=words):
        find_head(bytearray(received), 0)


def test_as_many_headers_as_are_allowed_are_read():
    """A hundred, in 32 KiB."""
    head = HEAD + b"X: y\r\n" * (MAX_HEADERS - 1)
    head += b"\r\n"

    assert MAX_HEADERS == len(parse_head(head[: find_head(bytearray(head), 0)]).scope["headers"])
