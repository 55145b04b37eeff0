"""Whose word counts that a request was made by HTTPS."""

import pytest

from imagegen_http.guard.access import Forwarding, parse_network, parse_origin

PROXIES = ("10.1.0.0/16", "::1")
HTTPS = [(b"x-forwarded-proto", b"https")]


def scheme(peer=("10.1.2.3", 5), headers=HTTPS, public_url=None, trusted=PROXIES):
    forwarding = Forwarding(public_url=public_url, trusted_proxies=trusted)
    return forwarding.with_original_scheme({"client": peer, "headers": headers, "scheme": "http"})["scheme"]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (("10.1.2.3", 5), "https"),
        (("::ffff:10.1.2.3", 5), "https"),
        (("::1", 5), "https"),
        (("10.2.0.1", 5), "http"),
        (("127.0.0.1", 5), "http"),
        (("", 0), "http"),
        (None, "http"),
    ],
)
def test_only_a_trusted_peer_is_trusted_with_the_scheme(peer, expected):
    """By its address, which it cannot choose."""
    assert expected == scheme(peer)
    assert "http" == scheme(peer, trusted=())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], "http"),
        ([(b"x-forwarded-proto", b"HTTPS")], "https"),
        ([(b"x-forwarded-proto", b"https, http")], "http"),
        ([(b"x-forwarded-proto", b"http, https")], "https"),
        ([(b"x-forwarded-proto", b"https"), (b"x-forwarded-proto", b"http")], "http"),
        ([(b"x-forwarded-scheme", b"https")], "http"),
        ([(b"forwarded", b"proto=https")], "http"),
        ([(b"x-forwarded-ssl", b"on"), (b"x-forwarded-port", b"443")], "http"),
    ],
)
def test_one_header_is_read_and_its_last_word_counts(headers, expected):
    """The items before it may come from the client."""
    assert expected == scheme(headers=headers)


@pytest.mark.parametrize(("url", "expected"), [("https://a.example", "https"), ("http://a.example", "http")])
def test_a_public_https_address_applies_to_all_requests(url, expected):
    """Whoever the peer is."""
    assert expected == scheme(("192.0.2.1", 5), [], url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Pictures.Example/", "https://pictures.example"),
        ("https://pictures.example:443", "https://pictures.example"),
        ("http://pictures.example:8443", "http://pictures.example:8443"),
        ("http://[0:0::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url, origin):
    """In lower case, without a default port."""
    assert origin == parse_origin(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pictures.example",
        "ftp://a.example",
        "https://",
        "https://a.example/b",
        "https://u:p@a.example",
        "https://a.example?x",
        "https://a.example#x",
        "https://a.example:x",
        "https://*.example",
        "https://[::",
    ],
)
def test_what_is_no_origin_is_refused(url):
    """The message repeats it."""
    with pytest.raises(ValueError, match="is no"):
        parse_origin(url)


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/33", "*", "10.0.0.1:80"])
def test_what_is_no_address_is_refused(text):
    """Host names are refused too: their addresses may change."""
    with pytest.raises(ValueError, match="is no IP address"):
        parse_network(text)
