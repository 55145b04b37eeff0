"""How addresses are read and written, wherever that is done."""

import pytest

from imagegen_core.config import Origin, Proxy, parse_host_and_port
from imagegen_core.errors import ValidationFailed


@pytest.mark.parametrize(
    ("url", "written", "shortest"),
    [
        ("HTTPS://Images.Example./x", "https://images.example:443", "https://images.example"),
        ("http://images.example:443", "http://images.example:443", "http://images.example:443"),
        ("http://[::1]", "http://[::1]:80", "http://[::1]"),
        ("http://[::1]:8080/", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_with_its_port_or_as_browsers_do(url, written, shortest):
    """A key is bound to the first; a header says the second."""
    origin = Origin.parse(url)

    assert (written, shortest) == (str(origin), origin.shortest)


@pytest.mark.parametrize(
    ("text", "sides"), [("localhost:1", ("localhost", 1)), (" [::1]:65535 ", ("[::1]", 65535))]
)
def test_host_and_port_are_read(text, sides):
    """IPv6 stands in brackets."""
    assert sides == parse_host_and_port(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        ":80",
        "host:0",
        "host:65536",
        "http://h:80",
        "::1:80",
        "a@b:80",
        "h:８０",
        "a b:1",
    ],
)
def test_what_is_no_host_and_port_is_refused(text):
    """The text is repeated, so that whoever wrote it finds it."""
    with pytest.raises(ValueError, match="host:port"):
        parse_host_and_port(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        1,
        "",
        "socks5://p:1",
        "http://",
        "http://p:0",
        "http://p:x",
        "http://[::1",
        "http://p\n",
        "http://p q",
    ],
)
def test_what_is_no_proxy_is_refused(text):
    """By the name of the setting, without the text, which may hold a password."""
    with pytest.raises(ValidationFailed) as refused:
        Proxy.parse(text)

    assert ["extra_config.proxy"] == [problem.field for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "origin", "user", "password"),
    [
        ("http://Proxy.example.", "http://proxy.example:80", "", ""),
        ("https://[::1]:3128/", "https://[::1]:3128", "", ""),
        ("http://me:hush@p.example:3128", "http://p.example:3128", "me", "hush"),
        ("http://me%40home:100%2525:@@p.example", "http://p.example:80", "me@home", "100%25:@"),
    ],
)
def test_a_proxy_is_its_origin_and_its_credentials(text, origin, user, password):
    """Credentials are decoded once, and not shown."""
    proxy = Proxy.parse(text)

    assert (origin, user, password) == (str(proxy.origin), proxy.user, proxy.password)
    assert "hush" not in repr(proxy)
